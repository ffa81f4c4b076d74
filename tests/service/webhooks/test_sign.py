"""Signatures are those of the specification, and secrets are told apart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from portravox.service.storage.signing import SigningKeys
from portravox.service.tasks.outbox import OPERATOR_TENANT
from portravox.service.webhooks.sign import signature_headers, webhook_secrets
from tests.service.webhooks.conftest import SIGNING


def test_a_signature_is_the_hmac_of_id_moment_and_body():
    # Written out from the specification: sha256 over "id.timestamp.body".
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    headers = signature_headers((secret,), delivery_id="msg_1", at=1614265330.9, body='{"a":"é"}')
    signed = 'msg_1.1614265330.{"a":"é"}'.encode()
    wanted = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v1,{wanted}",
    }


def test_receivers_may_hold_the_new_secret_or_the_old_one():
    now = time.time()
    secrets = webhook_secrets(SIGNING, "3")
    headers = signature_headers(secrets, delivery_id="m", at=now, body="{}")
    assert len(secrets) == 2
    for secret in secrets:
        Webhook(secret).verify("{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify('{"a": 1}', headers)
    [stranger] = webhook_secrets(SigningKeys(current=b"x" * 32), "3")
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger).verify("{}", headers)


def test_each_key_and_the_operator_have_a_secret_of_their_own():
    only = SigningKeys(current=b"c" * 32)
    tenants = ("1", "2", OPERATOR_TENANT, "the operator")
    secrets = {webhook_secrets(only, tenant) for tenant in tenants}
    assert len(secrets) == 4
    assert all(len(base64.b64decode(secret[6:])) == 32 for (secret,) in secrets)


def test_a_secret_lasts_as_long_as_its_signing_key():
    replaced = SigningKeys(current=b"n" * 32, previous=SIGNING.current)
    assert webhook_secrets(replaced, "3")[1] == webhook_secrets(SIGNING, "3")[0]
