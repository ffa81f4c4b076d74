"""What a live session is opened with."""

from __future__ import annotations

import json

import pytest

from portravox.service.live_schemas import start_in
from portravox.service.problems import Refusal


def _start(background: str) -> object:
    told = {
        "type": "start",
        "image_bytes": 9,
        "parameters": {"portravox": {"background": background}},
    }
    start = start_in(
        json.dumps(told), engines=("embedded",), max_side_px=1024, max_picture_bytes=99
    )
    return dict(start.parameters)["background"]


@pytest.mark.parametrize("background", ["keep", "blur", "green", "#102030"])
def test_a_session_has_a_background_that_needs_no_file(background: str) -> None:
    assert _start(background) == background


@pytest.mark.parametrize("background", ["transparent", "https://h/wall.png", "/etc/passwd"])
def test_a_picture_behind_or_none_at_all_is_refused(background: str) -> None:
    with pytest.raises(Refusal, match="background"):
        _start(background)
