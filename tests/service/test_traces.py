"""Traces go to the collector that was named, and nowhere else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from portravox.service import traces as traces_module
from portravox.service.traces import Place, Span, Traces

REQUEST_ID = "9b2f0c1e-6a57-4a1b-8c3d-0123456789ab"


class Collector:
    """Takes what comes, or answers something else."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.bodies: list[Any] = []
        self.paths: list[str] = []
        self.url = ""

    def spans(self) -> list[dict[str, Any]]:
        return [
            span
            for body in self.bodies
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    collector = Collector(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.paths.append(self.path)
            content = self.rfile.read(int(self.headers["content-length"]))
            collector.bodies.append(json.loads(content))
            self.send_response(collector.status)
            self.send_header("Location", f"{collector.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces_module, "SENT_APART_S", 0.02)


def span(place: Place, **changed: Any) -> Span:
    fields = {"name": "attempt", "kind": "consumer", "began_at": 5.0, "ended_at": 7.5}
    return Span(place=place, **{**fields, "attributes": {}, **changed})


def test_a_span_arrives_as_the_protocol_has_it() -> None:
    traces = Traces()
    first = Place.of_request(REQUEST_ID)
    with collecting() as collector, traces.sent_to(f"{collector.url}/v1/traces"):
        told = {"portravox.attempt": 2, "share": 0.5, "portravox.task_id": "7", "nothing": None}
        traces.record(span(first.below(), attributes=told, failed=True))
    [found] = collector.spans()
    assert collector.paths == ["/v1/traces"]
    assert found["traceId"] == "9b2f0c1e6a574a1b8c3d0123456789ab"
    assert found["parentSpanId"] == "8c3d0123456789ab" == first.span_id
    assert len(found["spanId"]) == 16 and found["spanId"] != found["parentSpanId"]
    assert (found["startTimeUnixNano"], found["endTimeUnixNano"]) == ("5000000000", "7500000000")
    assert (found["kind"], found["status"]) == (5, {"code": 2})
    assert found["attributes"] == [
        {"key": "portravox.attempt", "value": {"intValue": "2"}},
        {"key": "share", "value": {"doubleValue": 0.5}},
        {"key": "portravox.task_id", "value": {"stringValue": "7"}},
    ]
    resource = collector.bodies[0]["resourceSpans"][0]["resource"]["attributes"]
    assert resource[0] == {"key": "service.name", "value": {"stringValue": "portravox"}}


def test_where_nobody_named_a_collector_nothing_is_kept() -> None:
    traces = Traces()
    with traces.sent_to(None):
        assert not traces.is_on
        traces.record(span(Place.of_request(REQUEST_ID)))
        assert traces._waiting.empty() and traces._thread is None


def test_a_collector_that_sends_elsewhere_is_not_followed() -> None:
    traces = Traces()
    with collecting(status=307) as collector, traces.sent_to(collector.url):
        traces.record(span(Place.of_request(REQUEST_ID)))
        while not traces.dropped:
            time.sleep(0.01)
    assert collector.paths == ["/v1/traces"]


def test_a_collector_that_is_away_costs_no_memory_and_no_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traces_module, "SENT_APART_S", 60.0)
    traces = Traces()
    traces._waiting.maxsize = 10
    with traces.sent_to("http://127.0.0.1:9/v1/traces"):
        for _ in range(25):
            traces.record(span(Place.of_request(REQUEST_ID)))
        assert traces.dropped == 15
    assert traces.dropped == 25
    assert len([line for line in caplog.messages if "no traces reach" in line]) == 1


@pytest.mark.parametrize("request_id", ["", "r", "x" * 32, REQUEST_ID.upper()])
def test_any_id_of_a_request_makes_a_trace(request_id: str) -> None:
    place = Place.of_request(request_id)
    assert len(place.trace_id) == 32 and len(place.span_id) == 16
    int(place.trace_id, 16)
    assert place == Place.of_request(request_id)
    assert place.below().trace_id == place.trace_id
