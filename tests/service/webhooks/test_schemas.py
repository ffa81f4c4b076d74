"""Headers of a submission, and rows of the list of notices."""

from __future__ import annotations

import json

import pytest

from portravox.service.problems import Refusal
from portravox.service.tasks.outbox import (
    DeliveryAttempt,
    DeliveryFilter,
    DeliveryPage,
    DeliveryState,
    NoticeFormat,
    Webhook,
)
from portravox.service.webhooks.schemas import deliveries_body, delivery_filter, webhook_asked
from tests.service.webhooks.conftest import made_delivery

URL, FORMAT = "x-portravox-webhook-url", "x-portravox-webhook-format"
SHOP = "https://shop.example/hook?token=1"


def test_nothing_is_told_to_whom_nobody_named():
    assert webhook_asked({}) is None
    assert webhook_asked({URL: " ", FORMAT: "cloudevents"}) is None


def test_a_form_may_be_chosen():
    assert webhook_asked({URL: SHOP}) == Webhook(url=SHOP, format=NoticeFormat.STANDARD)
    asked = webhook_asked({URL: f" {SHOP} ", FORMAT: "CloudEvents"})
    assert asked == Webhook(url=SHOP, format=NoticeFormat.CLOUDEVENTS)
    assert not asked.by_operator


@pytest.mark.parametrize(
    "headers",
    [
        {URL: "shop.example"},
        {URL: "ftp://shop.example"},
        {URL: "http://user:word@shop.example"},
        {URL: "http://127.1/"},
        {URL: "http://shop.example:0"},
        {URL: "http://" + "a" * 9000},
        {URL: SHOP, FORMAT: "xml"},
    ],
)
def test_what_cannot_be_is_refused_at_once(headers):
    with pytest.raises(Refusal) as refused:
        webhook_asked(headers)
    wrong = "Url" if FORMAT not in headers else "Format"
    assert refused.value.problem.status == 400
    assert f"(X-Portravox-Webhook-{wrong})" in refused.value.problem.message


def test_a_list_has_pages_like_the_list_of_tasks():
    assert delivery_filter({}) == DeliveryFilter(page_no=1, page_size=10)
    asked = delivery_filter({"task_id": "t", "page_no": "3", "page_size": "1000"})
    assert asked == DeliveryFilter(task_id="t", page_no=3, page_size=100)
    with pytest.raises(Refusal):
        delivery_filter({"page_no": "0"})


def test_a_row_tells_each_attempt_and_no_more_of_the_address_than_its_host():
    attempts = (DeliveryAttempt(at=0.0, status=None), DeliveryAttempt(at=5.0, status=500))
    due = made_delivery("https://shop.example/secret?word=1", next_at=60.0, attempts=attempts)
    done = made_delivery(state=DeliveryState.DELIVERED, ended_at=5.0)
    page = DeliveryPage(deliveries=(due, done), total=21)
    body = deliveries_body(page, DeliveryFilter(), "r-1")
    assert (body["total"], body["total_page"], body["request_id"]) == (21, 3, "r-1")
    first, second = body["data"]
    assert first["host"] == "shop.example"
    assert "secret" not in json.dumps(body)
    assert first["attempts"] == [
        {"time": "1970-01-01 08:00:00.000", "http_status": None},
        {"time": "1970-01-01 08:00:05.000", "http_status": 500},
    ]
    assert (first["next_time"], "end_time" in first) == ("1970-01-01 08:01:00.000", False)
    assert ("next_time" in second, second["end_time"]) == (False, "1970-01-01 08:00:05.000")
