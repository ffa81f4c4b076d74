"""One attempt: what goes over the line, and where it may go."""

from __future__ import annotations

import logging
import time
from ipaddress import ip_network

import pytest
from standardwebhooks import Webhook

from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.tasks.outbox import OPERATOR_TENANT, NoticeFormat
from portravox.service.webhooks.post import WebhookSender
from portravox.service.webhooks.sign import webhook_secrets
from tests.service.fetch.conftest import drip as drip
from tests.service.fetch.conftest import impatient as impatient
from tests.service.fetch.conftest import serve as serve
from tests.service.fetch.conftest import world as world
from tests.service.webhooks.conftest import ACCOUNT, SIGNING, made_delivery

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
def sender(world):
    world.answers = [OK]
    return WebhookSender(signing=SIGNING, account=ACCOUNT, token="t-1", network=world.network)


def sent(world, index=0):
    """Request line, headers and body of a request."""
    head, body = world.requests[index].recv(65536).split(b"\r\n\r\n", 1)
    line, *rest = head.decode("ascii").split("\r\n")
    return line, dict(header.split(": ", 1) for header in rest), body


def test_a_notice_arrives_as_a_signed_post(sender, world, task):
    status = sender.post(made_delivery("http://shop.example/hook?a=1"), task, time.time())
    assert status == 204
    line, headers, body = sent(world)
    assert line == "POST /hook?a=1 HTTP/1.1"
    assert headers["Host"] == "shop.example"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert int(headers["Content-Length"]) == len(body)
    [secret, _] = webhook_secrets(SIGNING, "3")
    notice = Webhook(secret).verify(body, headers)
    assert notice["data"]["task_id"] == task.task_id


def test_all_attempts_say_the_same(sender, world, task):
    world.answers = [OK, OK]
    for at in (1000.0, 2000.0):
        sender.post(made_delivery("http://shop.example/"), task, at)
    (_, first, body), (_, second, again) = sent(world, 0), sent(world, 1)
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]


def test_only_the_operators_receiver_hears_the_token(sender, world, task):
    world.answers = [OK, OK]
    form = NoticeFormat.CLOUDEVENTS
    sender.post(made_delivery("http://a.example/", format=form), task, time.time())
    sender.post(
        made_delivery("http://b.example/", format=form, by_operator=True), task, time.time()
    )
    _, clients, _ = sent(world, 0)
    _, operators, body = sent(world, 1)
    assert "x-eventbridge-signature-token" not in clients
    assert operators["x-eventbridge-signature-token"] == "t-1"
    Webhook(webhook_secrets(SIGNING, OPERATOR_TENANT)[0]).verify(body, operators)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:10.0.0.1"],
)
@pytest.mark.parametrize("by_name", [True, False])
def test_clients_lead_us_nowhere_inside(sender, world, task, address, by_name):
    world.names["inside.example"] = ["93.184.215.14", address]
    literal = f"[{address}]" if ":" in address else address
    host = "inside.example" if by_name else literal
    assert sender.post(made_delivery(f"http://{host}/"), task, 1.0) is None
    assert world.dialled == []


def test_the_operators_own_receiver_may_be_inside(sender, world, task):
    delivery = made_delivery("http://10.1.2.3:8080/", by_operator=True)
    assert sender.post(delivery, task, 1.0) == 204
    assert world.dialled == ["10.1.2.3"]


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200"])
def test_but_never_a_clouds_services(sender, world, task, address):
    delivery = made_delivery(f"http://{address}/", by_operator=True)
    assert sender.post(delivery, task, 1.0) is None
    assert world.dialled == []


def test_networks_that_the_operator_opened_are_open(world, task):
    world.answers = [OK]
    policy = AddressPolicy((ip_network("10.0.0.0/8"),))
    sender = WebhookSender(signing=SIGNING, account=ACCOUNT, policy=policy, network=world.network)
    assert sender.post(made_delivery("http://10.1.2.3/"), task, 1.0) == 204


def test_a_redirect_is_an_answer_and_not_followed(sender, world, task):
    world.answers = [b"HTTP/1.1 307 Elsewhere\r\nLocation: http://other.example/\r\n\r\n"]
    assert sender.post(made_delivery("http://shop.example/"), task, 1.0) == 307
    assert world.resolved == ["shop.example"]


@pytest.mark.parametrize(
    "answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n"]
)
def test_what_is_no_answer_counts_as_none(sender, world, task, answer):
    world.answers = [answer]
    assert sender.post(made_delivery("http://shop.example/"), task, 1.0) is None


def test_a_receiver_that_never_comes_to_an_end_is_left(serve, drip, impatient, task):
    port = serve(drip([b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 200], 0.05))
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    sender = WebhookSender(signing=SIGNING, account=ACCOUNT, policy=policy, network=impatient)
    began = time.monotonic()
    assert sender.post(made_delivery(f"http://127.0.0.1:{port}/"), task, 1.0) is None
    assert time.monotonic() - began < 5.0  # of ten


def test_the_log_names_the_host_and_nothing_after_it(sender, world, task, caplog):
    world.answers = [b""]
    with caplog.at_level(logging.WARNING):
        sender.post(made_delivery("http://shop.example/pass?word=1"), task, 1.0)
    [record] = caplog.records
    assert "shop.example" in record.getMessage()
    assert "pass" not in record.getMessage()
    assert record.task_id == task.task_id
