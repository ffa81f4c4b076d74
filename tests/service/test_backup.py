"""Backups are whole, made beside a server that works, and put back whole or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from portravox.service.backup import (
    PENDING,
    USUAL,
    Part,
    back_up,
    check,
    finish_restore,
    restore,
)
from portravox.service.errors import (
    BackupUnusable,
    QueueDamaged,
    QueueUnavailable,
    SecretsUnreadable,
)
from portravox.service.keys import ApiKeys
from portravox.service.storage.signing import open_signing_keys
from portravox.service.tasks.queue import Job
from portravox.service.tasks.sqlite import SqliteTaskQueue

JOB = Job(model="m", image_url="i", audio_url="a", parameters={}, resolve_oss=False)


def submit(queue: SqliteTaskQueue, key_id: str = "1"):
    return queue.submit(JOB, key_id=key_id, key_group="g", request_id="r")


async def tasks_in(data: Path) -> set[str]:
    """Ids, as the queue's next start finds them."""
    await SqliteTaskQueue(data / "tasks.db").close()
    db = sqlite3.connect(data / "tasks.db")
    found = {task_id for (task_id,) in db.execute("SELECT task_id FROM tasks")}
    db.close()
    return found


@pytest.fixture
def data(tmp_path) -> Path:
    """The data of a server with a key, 300 tasks, a video and an upload."""
    folder = tmp_path / "data"
    for name in ("videos", "uploads"):
        (folder / name).mkdir(parents=True)
    ApiKeys(folder / "keys.json").create("a")
    open_signing_keys(folder / "signing-keys.txt")
    (folder / "videos" / "v.mp4").write_bytes(b"video")
    os.utime(folder / "videos" / "v.mp4", (1_000_000_000, 1_000_000_000))
    (folder / "videos" / ".v.mp4.0.part").write_bytes(b"half a vid")
    (folder / "uploads" / "u").write_bytes(b"upload")
    (folder / "consent.jsonl").write_bytes(b"{}\n")
    (folder / "unlabelled.jsonl").write_bytes(b"{}\n{}\n")
    (folder / "statements").mkdir()
    (folder / "statements" / "s.txt").write_bytes(b"I agree")

    async def fill():
        queue = SqliteTaskQueue(folder / "tasks.db")
        await asyncio.gather(*(submit(queue) for _ in range(300)))
        await queue.close()

    asyncio.run(fill())  # a fixture of tests that are no coroutines, too
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def damage_a_page(file: Path) -> None:
    db = sqlite3.connect(file)
    [page] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'tasks'").fetchone()
    db.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xa5" * 4096)


def test_a_backup_is_private_and_has_all_that_was_wanted(data, tmp_path):
    made = back_up(data, tmp_path / "b", Part)
    assert made.parts == tuple(Part) and made == check(tmp_path / "b")
    assert content(tmp_path / "b").keys() == {
        "manifest.json", "tasks.db", "keys.json", "signing-keys.txt", "videos/v.mp4", "uploads/u",
        "consent.jsonl", "unlabelled.jsonl", "statements/s.txt",
    }  # fmt: skip
    for path in (tmp_path / "b", *(tmp_path / "b").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert (tmp_path / "b" / "videos" / "v.mp4").stat().st_mtime == 1_000_000_000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


async def test_a_backup_beside_a_server_that_works_is_one_moment_of_it(data, tmp_path):
    queue = SqliteTaskQueue(data / "tasks.db")
    before = [(await submit(queue)).task_id for _ in range(5)]
    more: list[str] = []

    async def go_on():
        while True:
            more.append((await submit(queue)).task_id)

    submitting = asyncio.create_task(go_on())
    await asyncio.to_thread(back_up, data, tmp_path / "b", USUAL)
    submitting.cancel()
    after = await submit(queue)
    await queue.close()
    restore(tmp_path / "b", tmp_path / "new")
    found = await tasks_in(tmp_path / "new")
    assert set(before) <= found and after.task_id not in found
    kept = [task_id in found for task_id in more]
    assert kept == sorted(kept, reverse=True)  # all up to a moment, and none after it
    assert len(found) == 305 + sum(kept)


async def test_real_damage_is_told_and_a_restore_brings_everything_back(data, tmp_path):
    tasks = await tasks_in(data)
    back_up(data, tmp_path / "b", USUAL)
    damage_a_page(data / "tasks.db")
    with pytest.raises(QueueDamaged, match="damaged"):
        SqliteTaskQueue(data / "tasks.db")
    with pytest.raises(QueueDamaged):
        back_up(data, tmp_path / "bad", USUAL)  # what is damaged is no backup
    assert not (tmp_path / "bad").exists()
    damaged = (data / "tasks.db").read_bytes()
    kept, _ = restore(tmp_path / "b", data)
    assert await tasks_in(data) == tasks
    assert (kept / "tasks.db").read_bytes() == damaged
    assert (data / "videos" / "v.mp4").read_bytes() == b"video"
    for path in (kept, data / "tasks.db", data / "keys.json"):
        assert stat.S_IMODE(path.stat().st_mode) in (0o600, 0o700)


async def test_a_restore_leaves_no_log_of_the_old_table_beside_the_new_one(data, tmp_path):
    back_up(data, tmp_path / "b", USUAL)
    queue = SqliteTaskQueue(data / "tasks.db")
    task = await submit(queue)
    log = (data / "tasks.db-wal").read_bytes()
    await queue.close()
    (data / "tasks.db-wal").write_bytes(log)  # as after kill -9
    restore(tmp_path / "b", data)
    assert not (data / "tasks.db-wal").exists()
    assert task.task_id not in await tasks_in(data)


async def test_a_server_that_runs_is_left_alone(data, tmp_path):
    back_up(data, tmp_path / "b", USUAL)

    queue = SqliteTaskQueue(data / "tasks.db")
    before = content(data)
    with pytest.raises(QueueUnavailable, match="in use by another server"):
        restore(tmp_path / "b", data)
    assert content(data) == before
    await queue.close()


def test_only_what_is_asked_for_is_put_back(data, tmp_path):
    back_up(data, tmp_path / "b", USUAL)
    (data / "keys.json").write_text("{")
    before = (data / "tasks.db").read_bytes()
    kept, _ = restore(tmp_path / "b", data, [Part.KEYS])
    assert len(ApiKeys(data / "keys.json").all()) == 1
    assert [path.name for path in kept.iterdir()] == ["keys.json"]
    assert (data / "tasks.db").read_bytes() == before
    with pytest.raises(BackupUnusable, match="has no videos"):
        restore(tmp_path / "b", data, [Part.VIDEOS])


def change(file: str, new: bytes | None):
    def act(backup: Path) -> None:
        if new is None:
            (backup / file).unlink()
        else:
            (backup / file).write_bytes(new)

    return act


def tell(**changes):
    def act(backup: Path) -> None:
        manifest = json.loads((backup / "manifest.json").read_bytes())
        manifest.update(changes)
        (backup / "manifest.json").write_text(json.dumps(manifest))

    return act


def link(backup: Path) -> None:
    keys = backup / "keys.json"
    keys.rename(backup.with_name("elsewhere.json"))
    keys.symlink_to(backup.with_name("elsewhere.json"))


def damage_and_tell(backup: Path) -> None:
    """A table that was damaged before its checksum was taken."""
    from portravox.service.backup import _described

    damage_a_page(backup / "tasks.db")
    manifest = json.loads((backup / "manifest.json").read_bytes())
    manifest["files"]["tasks.db"] = _described(backup / "tasks.db")
    (backup / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "spoil",
    [
        change("tasks.db", None),
        change("tasks.db", b"short"),
        change("keys.json", b"{}"),
        change("more.txt", b"more"),
        change("manifest.json", None),
        change("manifest.json", b"{"),
        change("manifest.json", b"[]"),
        tell(version=2),
        tell(parts=["tasks", "everything"]),
        tell(files={"../outside": {}}),
        tell(files={"videos/../../outside": {}}),
        tell(made_at="yesterday"),
        link,
        damage_and_tell,
        lambda backup: damage_a_page(backup / "tasks.db"),
    ],
)
def test_a_backup_that_is_not_what_was_written_changes_nothing(data, tmp_path, spoil):
    back_up(data, tmp_path / "b", USUAL)
    spoil(tmp_path / "b")
    before = content(data)
    with pytest.raises(BackupUnusable):
        check(tmp_path / "b")
    with pytest.raises(BackupUnusable):
        restore(tmp_path / "b", data)
    assert content(data) == before


async def test_a_restore_that_is_interrupted_anywhere_is_finished_at_the_next_start(
    data, tmp_path, monkeypatch
):
    tasks = await tasks_in(data)
    back_up(data, tmp_path / "b", Part)
    (data / "tasks.db-wal").write_bytes(b"an old log")
    rename = Path.rename
    for step in range(100):
        passed = 0

        def cut(self: Path, target: Path, step: int = step) -> Path:
            nonlocal passed
            passed += 1
            if passed > step:
                raise KeyboardInterrupt
            return rename(self, target)

        (data / "tasks.db").write_bytes(b"damaged")
        (data / "keys.json").write_bytes(b"{")
        monkeypatch.setattr(Path, "rename", cut)
        try:
            restore(tmp_path / "b", data)
        except KeyboardInterrupt:
            interrupted = True
        else:
            interrupted = False
        monkeypatch.setattr(Path, "rename", rename)
        assert (data / PENDING).exists() == interrupted
        assert finish_restore(data) == interrupted
        assert await tasks_in(data) == tasks
        assert len(ApiKeys(data / "keys.json").all()) == 1
        assert (data / "videos" / "v.mp4").read_bytes() == b"video"
        assert not (data / PENDING).exists()
        assert [path for path in data.iterdir() if path.name.startswith(".restore")] == []
        if not interrupted:
            break
    assert step > 8


def test_damaged_keys_are_no_backup_and_a_name_in_use_is_none(data, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(BackupUnusable, match="already"):
        back_up(data, tmp_path / "taken", USUAL)
    (data / "keys.json").write_text("{")
    with pytest.raises(SecretsUnreadable):
        back_up(data, tmp_path / "b", USUAL)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "taken"}


def test_a_folder_without_a_table_is_told(tmp_path):
    with pytest.raises(QueueUnavailable, match=r"there is no .*tasks\.db"):
        back_up(tmp_path / "nothing", tmp_path / "b", USUAL)
    assert not (tmp_path / "b").exists()
