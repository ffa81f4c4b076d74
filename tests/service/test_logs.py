"""Lines for people and for programs, with the same fields."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from portravox.service.logs import write_logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def test_json_lines_carry_ids_as_fields(capsys: pytest.CaptureFixture[str]) -> None:
    write_logs("json")
    logging.getLogger("portravox.x").info("GET %s", "/t", extra={"request_id": "r", "ms": 1.5})
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("portravox.x").exception("failed", extra={"task_id": "t"})
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first.items() >= {"level": "info", "message": "GET /t", "request_id": "r"}.items()
    assert "task_id" not in first
    assert second.items() >= {"level": "error", "message": "failed", "task_id": "t"}.items()
    assert "ValueError: why" in second["exception"]


def test_text_is_one_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    write_logs("text")
    logging.getLogger("portravox.x").warning("no heartbeat", extra={"task_id": "t"})
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(" warning no heartbeat task_id=t")
