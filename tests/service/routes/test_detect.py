"""Detect calls: work ends with the client who asked for it, and whose share of it each takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from portravox.service.detector import Judgement
from portravox.service.limits import Limits
from portravox.service.routes.detect import share_of
from portravox.service.service import NO_KEY_ID, Caller

Playing = Callable[..., Any]
BODY = json.dumps({"model": "liveportrait-detect", "input": {"image_url": "http://h/p"}}).encode()


class Endless:
    """Judges for ever, and knows whether it was told to stop."""

    def __init__(self) -> None:
        self.began, self.cancelled = asyncio.Event(), False

    async def judge(self, image_url: str, *, key: str, key_group: str) -> Judgement:
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError


async def test_a_client_that_goes_away_takes_its_work_along(playing: Playing) -> None:
    async with playing() as server:
        detector, gone = Endless(), asyncio.Event()
        messages: list[Message] = [{"type": "http.request", "body": BODY, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            raise AssertionError("nobody is there to be told")

        application = server.client._transport.app
        application.state.service = replace(server.service, detector=detector)
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/v1/services/aigc/image2video/face-detect",
            "query_string": b"",
            "headers": [(b"authorization", server.key["Authorization"].encode())],
            "client": ("127.0.0.1", 9),
        }
        call = asyncio.create_task(application(scope, receive, send))
        await asyncio.wait_for(detector.began.wait(), 2.0)
        gone.set()
        await asyncio.wait_for(call, 2.0)
        assert detector.cancelled


@pytest.mark.parametrize(
    ("key_id", "host", "share"),
    [
        ("17", "10.0.0.1", "key 17"),
        (NO_KEY_ID, "10.0.0.1", "from 10.0.0.1"),
        (NO_KEY_ID, "2001:db8:1:2:3:4:5:6", "from 2001:db8:1:2::/64"),
        (NO_KEY_ID, "testclient", "from testclient"),
        (NO_KEY_ID, None, "key 0"),
    ],
)
def test_a_share_is_a_keys_or_an_addresss(key_id: str, host: str | None, share: str) -> None:
    request = Request({"type": "http", "client": None if host is None else (host, 9)})
    caller = Caller(key_id=key_id, group="default", limits=Limits())
    assert share_of(request, caller) == share
