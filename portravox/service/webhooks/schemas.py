"""What clients say about webhooks and are told about notices: ours, beyond the original.

Flow      a submission -> webhooks.schemas -> Webhook; Delivery -> webhooks.schemas -> JSON
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from portravox.service import bodies, problems
from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.urls import parse_url
from portravox.service.problems import Refusal
from portravox.service.schemas import MAX_PAGE_SIZE, china_time, whole_number
from portravox.service.tasks.outbox import (
    Delivery,
    DeliveryFilter,
    DeliveryPage,
    NoticeFormat,
    Webhook,
)

URL_HEADER = "X-Portravox-Webhook-Url"
FORMAT_HEADER = "X-Portravox-Webhook-Format"
"""Of a submission. Headers, because the official packages pass further headers on, while their
bodies have no room for anything new; and the original takes no notice of them."""


def webhook_asked(headers: Mapping[str, str]) -> Webhook | None:
    """Where a client wants to be told of its task's end. Raises Refusal.

    Whether the address may be called is found out when it is called: a look-up would make the
    client wait.
    """
    url = headers.get(URL_HEADER.lower(), "").strip()
    if not url:
        return None
    try:
        parse_url(url)
    except InputDownloadFailed as error:
        raise Refusal(problems.bad_parameter(URL_HEADER)) from error
    named = headers.get(FORMAT_HEADER.lower(), NoticeFormat.STANDARD).strip().lower()
    try:
        form = NoticeFormat(named)
    except ValueError as error:
        raise Refusal(problems.bad_parameter(FORMAT_HEADER)) from error
    return Webhook(url=url, format=form)


def delivery_filter(query: Mapping[str, str]) -> DeliveryFilter:
    """What a list of notices shows. Raises Refusal."""
    return DeliveryFilter(
        task_id=query.get("task_id") or None,
        page_no=whole_number(query, "page_no", 1),
        page_size=min(whole_number(query, "page_size", 10), MAX_PAGE_SIZE),
    )


def deliveries_body(
    page: DeliveryPage, asked: DeliveryFilter, request_id: str
) -> bodies.Deliveries:
    return {
        "total": page.total,
        "total_page": ceil(page.total / asked.page_size),
        "page_no": asked.page_no,
        "page_size": asked.page_size,
        "request_id": request_id,
        "data": [_row(delivery) for delivery in page.deliveries],
    }


def _row(delivery: Delivery) -> bodies.DeliveryRow:
    url = parse_url(delivery.webhook.url)
    row: bodies.DeliveryRow = {
        "delivery_id": delivery.delivery_id,
        "task_id": delivery.task_id,
        "status": delivery.state,
        # Keys of a group see each other's notices; what follows the host may be a password.
        "host": url.host,
        "format": delivery.webhook.format,
        "attempts": [
            {"time": china_time(attempt.at), "http_status": attempt.status}
            for attempt in delivery.attempts
        ],
    }
    if delivery.next_at is not None:
        row["next_time"] = china_time(delivery.next_at)
    if delivery.ended_at is not None:
        row["end_time"] = china_time(delivery.ended_at)
    return row
