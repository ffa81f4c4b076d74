"""Where the operator asks for a statement, no task comes in without it; each is written down."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.consent import MAX_STATEMENT
from portravox.service.settings import read_settings
from portravox.service.tasks.states import TaskState
from tests.service.routes.test_live import Session, world_in
from tests.service.test_app import ASYNC, JOB, SUBMIT, with_input

Playing = Callable[..., Any]
TEXT = "I may show this person saying this.\n本人已获授权。"
ID = hashlib.sha256(TEXT.encode()).hexdigest()[:32]


async def submit(server: Any, body: Any, **headers: str) -> Any:
    return await server.client.post(SUBMIT, json=body, headers={**server.key, **ASYNC, **headers})


async def test_a_task_without_the_statement_is_refused_and_says_where_it_is(
    playing: Playing,
) -> None:
    async with playing(consent_statement=TEXT) as server:
        told = (await server.client.get("/api/v1/consent")).json()["output"]
        assert told == {"id": ID, "text": TEXT}
        about = (await server.client.get("/studio/about")).json()
        assert about["consent"] == told
        for given in ({}, {"consent": True}, {"consent": "yes"}, {"consent": ID[:-1]}):
            refused = await submit(server, with_input(**given))
            assert refused.status_code == 400
            assert refused.json()["code"] == "InvalidParameter.ConsentRequired"
            assert "/api/v1/consent" in refused.json()["message"]
        wrong = await submit(server, {**with_input(consent=ID), "model": "x"})
        assert wrong.json()["message"] == "Model not exist."  # the contract's errors come first
        assert not (server.service.settings.data_dir / "consent.jsonl").exists()


async def test_who_agreed_to_what_is_on_the_disk_before_the_tasks_number_is_given(
    playing: Playing,
) -> None:
    async with playing(consent_statement=TEXT) as server:
        taken = await submit(server, with_input(consent=ID), **{"Idempotency-Key": "1"})
        again = await submit(server, with_input(consent=ID), **{"Idempotency-Key": "1"})
        folder = server.service.settings.data_dir
        record = folder / "consent.jsonl"
        lines = [json.loads(line) for line in record.read_text().splitlines()]
        task_id = taken.json()["output"]["task_id"]
        assert again.json()["output"]["task_id"] == task_id
        assert {line["task_id"] for line in lines} == {task_id}
        assert lines[0]["statement"] == ID and lines[0]["key_id"] == "1"
        assert lines[0]["request_id"] == taken.json()["request_id"]
        kept = folder / "statements" / f"{ID}.txt"
        assert kept.read_text() == TEXT
        for file in (record, kept):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_what_cannot_be_written_down_is_not_made(playing: Playing) -> None:
    async with playing(consent_statement=TEXT) as server:
        (server.service.settings.data_dir / "consent.jsonl").mkdir()
        failed = await submit(server, with_input(consent=ID))
        assert failed.status_code == 500
        counts = await server.service.queue.counts()
        assert counts.get(TaskState.PENDING, 0) == 0


async def test_where_nothing_is_asked_for_nothing_is_wanted(playing: Playing) -> None:
    async with playing() as server:
        told = (await server.client.get("/api/v1/consent")).json()["output"]
        assert told == {"id": None, "text": None}
        for body in (JOB, with_input(consent="anything")):
            assert (await submit(server, body)).status_code == 200
        assert not (server.service.settings.data_dir / "consent.jsonl").exists()


async def test_a_live_session_is_a_submission_too(tmp_path: Path) -> None:
    async with world_in(tmp_path, consent_statement=TEXT) as world, AsyncExitStack() as stack:
        refused = Session(await stack.enter_async_context(world.connect()))
        await refused.start()
        assert (await refused.event("error"))["code"] == "InvalidParameter.ConsentRequired"
        await refused.ends()
        assert not (tmp_path / "consent.jsonl").exists()
        opened = Session(await stack.enter_async_context(world.connect()))
        await opened.start(consent=ID)
        started = await opened.event("started")
        [line] = map(json.loads, (tmp_path / "consent.jsonl").read_text().splitlines())
        assert (line["session_id"], line["statement"]) == (started["session_id"], ID)


@pytest.mark.parametrize("statement", ["", " \n ", "x" * (MAX_STATEMENT + 1), "bell\a"])
def test_a_statement_is_something_that_can_be_read(statement: str) -> None:
    with pytest.raises(SettingOutOfRange, match="consent_statement"):
        read_settings({"consent_statement": statement})


def test_a_statement_may_have_lines(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('consent_statement = """\nFirst.\nSecond.\n"""\n')
    assert read_settings(config=config).consent_statement == "First.\nSecond."
