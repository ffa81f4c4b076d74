"""Secrets of webhooks, and signatures with which receivers know that a notice is ours.

Flow      storage.signing -> webhooks.sign -> webhooks.post, routes.webhooks, cli.keys

Each API key has a secret of its own, and so has the operator. None is kept: they are made from the
server's signing keys, so replacing those replaces the secrets. While there are two signing keys, a
notice has two signatures, and receivers may change from the old secret to the new one in between.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook

from portravox.service.storage.signing import SigningKeys
from portravox.service.tasks.outbox import OPERATOR_TENANT

_PURPOSE = "webhook secret"


def webhook_secrets(signing: SigningKeys, tenant: str) -> tuple[str, ...]:
    """The secrets that hold now, the newest first, as Standard Webhooks writes them: whsec_…

    tenant  the id of an API key, or OPERATOR_TENANT
    """
    owner = "the operator" if tenant == OPERATOR_TENANT else f"key {tenant}"
    generations = [signing]
    if signing.previous is not None:
        generations.append(SigningKeys(current=signing.previous))
    return tuple(_as_secret(keys.sign(_PURPOSE, owner)) for keys in generations)


def signature_headers(
    secrets: tuple[str, ...], *, delivery_id: str, at: float, body: str
) -> dict[str, str]:
    """Headers by the specification of Standard Webhooks, version 1, symmetric.

    delivery_id  the same for all attempts
    at           seconds since 1970, of this attempt: receivers refuse old ones
    """
    moment = datetime.fromtimestamp(int(at), UTC)
    signatures = (Webhook(secret).sign(delivery_id, moment, body) for secret in secrets)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": " ".join(signatures),
    }


def _as_secret(signature: str) -> str:
    """From URL-safe base64 without padding to what the specification wants: 32 bytes."""
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return "whsec_" + base64.b64encode(raw).decode("ascii")
