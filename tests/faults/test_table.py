"""The table of tasks: flooded by one key, grown and shrunk again, damaged and restored."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from portravox.service.backup import Part, back_up, restore
from tests.faults.world import SUBMIT, TASKS, Ledger, World
from tests.live import HTTP, new_key, serving
from tests.service.test_backup import damage_a_page

pytestmark = pytest.mark.slow

MAX_QUEUED = 4_000
SHARE = MAX_QUEUED // 2
"""Where two keys are valid, one may hold half of what the other leaves."""

ADDRESS = "http://192.0.2.1/" + "a" * 8_000
"""The longest, more or less, that can be fetched; a documentation address, so never called."""

TASK_BYTES = 2 * len(ADDRESS)

CLIENTS = 4


@pytest.mark.usefixtures("only_in_make_faults")
def test_who_submits_and_cancels_is_stopped_others_are_not_and_the_table_shrinks_again(
    tmp_path: Path, files: str, ledger: Ledger
) -> None:
    world = World(tmp_path, files, PORTRAVOX_MAX_QUEUED=str(MAX_QUEUED))
    other = {"Authorization": f"Bearer {new_key(tmp_path, 'other')}"}
    table = tmp_path / "tasks.db"

    def flood(_: int) -> tuple[int, str]:
        """Submit and cancel until refused; how often that went, and what was said."""
        with httpx.Client(base_url=world.url, headers=world.authorization, timeout=60) as client:
            for number in range(2 * MAX_QUEUED):
                told = client.post(SUBMIT, json=BODY, headers=ASYNC)
                if told.status_code != 200:
                    return number, told.json()["code"]
                client.post(f"{TASKS}/{told.json()['output']['task_id']}/cancel")
        return 2 * MAX_QUEUED, "never refused"

    with world.server(), ThreadPoolExecutor(CLIENTS) as clients:
        begun = time.monotonic()
        ends = list(clients.map(flood, range(CLIENTS)))
        took_s = time.monotonic() - begun
        accepted = sum(number for number, _ in ends)
        assert {code for _, code in ends} == {"Throttling"}
        # Those that the worker took before they were cancelled have failed, and count apart.
        assert SHARE <= accepted <= SHARE + accepted // 4
        full = _size(table)
        assert full < 1.5 * accepted * TASK_BYTES
        assert HTTP.post(f"{world.url}{SUBMIT}", json=BODY, headers={**ASYNC, **other}).is_success

        world.set_clock(25 * 3600.0)  # a day and an hour later all of it is forgotten
        deadline = time.monotonic() + 60
        while _size(table) > full / 2:
            assert time.monotonic() < deadline, f"{_size(table)} of {full} bytes"
            time.sleep(0.2)
        shrunk = _size(table)
        assert world.post().status_code == 200
    ledger.add(
        "submit and cancel, one key",
        accepted,
        accepted + 2,
        f"refused after {accepted} in {took_s:.0f} s, another key is served; {full / 1e6:.0f} MB "
        f"of table, {shrunk / 1e6:.0f} MB once they are forgotten",
    )


def test_a_damaged_page_is_told_at_the_start_and_a_backup_brings_every_task_back(
    tmp_path: Path, files: str, ledger: Ledger
) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    world = World(data, files)
    with world.server():
        world.end(world.submit())
        back_up(data, backup, [*Part])
    damage_a_page(data / "tasks.db")
    with serving(data, log=tmp_path / "log.txt") as server:
        assert server.process.wait(20) == 1
    said = (tmp_path / "log.txt").read_text()
    assert re.search(r"error: .*tasks\.db is damaged: .+\nhint: .*portravox restore", said)
    restore(backup, data)
    with world.server():
        world.require_one_video_each()
    ledger.add("damaged page", 1, 1, "the server does not start, and says why; after `restore` all")


BODY = {"model": "liveportrait", "input": {"image_url": ADDRESS, "audio_url": ADDRESS}}
ASYNC = {"X-DashScope-Async": "enable"}


def _size(table: Path) -> int:
    """Of the table and its log."""
    return sum(
        file.stat().st_size for file in (table, table.with_name("tasks.db-wal")) if file.exists()
    )
