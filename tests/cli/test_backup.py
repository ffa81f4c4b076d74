"""portravox backup and restore, beside a real server and after it was damaged."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.cli.conftest import Run
from tests.live import COLD, HTTP, new_key, serving
from tests.service.test_backup import damage_a_page

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"


def submit(url: str, key: str) -> str:
    answered = HTTP.post(
        f"{url}{SUBMIT}",
        json={
            "model": "liveportrait",
            "input": {"image_url": "http://192.0.2.1/a", "audio_url": "http://192.0.2.1/b"},
        },
        headers={"Authorization": f"Bearer {key}", "X-DashScope-Async": "enable"},
        timeout=30,
    )
    assert answered.status_code == 200, answered.text
    task_id: str = answered.json()["output"]["task_id"]
    return task_id


def status(url: str, key: str, task_id: str) -> str:
    answered = HTTP.get(
        f"{url}/api/v1/tasks/{task_id}", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )
    found: str = answered.json()["output"]["task_status"]
    return found


def test_from_a_server_that_runs_through_real_damage_and_back(run: Run, tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    key = new_key(data)
    with serving(data, log=tmp_path / "log.txt", main=COLD) as server:
        task_id = submit(server.url, key)
        told = run("backup", backup, "--data-dir", data, "--json")
        assert told.status == 0
        assert told.json["parts"] == ["tasks", "keys", "signing-keys"]
        refused = run("restore", backup, "--data-dir", data)
        assert refused.status == 1
        assert "in use by another server" in refused.err
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    damage_a_page(data / "tasks.db")
    with serving(data, log=tmp_path / "log.txt", main=COLD) as server:
        assert server.process.wait(20) == 1
    said = (tmp_path / "log.txt").read_text()
    assert "tasks.db is damaged" in said and "hint: " in said and "portravox restore" in said
    assert "Traceback" not in said
    assert run("restore", backup, "--check").status == 0
    restored = run("restore", backup, "--data-dir", data)
    assert restored.status == 0 and "before-restore-" in restored.err
    with serving(data, log=tmp_path / "log.txt", main=COLD) as server:
        assert status(server.url, key, task_id) != "UNKNOWN"
        submit(server.url, key)


def test_keys_that_are_damaged_stop_a_start_with_a_line_and_a_way_out(
    run: Run, tmp_path: Path
) -> None:
    key = new_key(tmp_path)
    good = (tmp_path / "keys.json").read_bytes()
    with serving(tmp_path, main=COLD) as server:
        task_id = submit(server.url, key)
        assert run("backup", tmp_path / "backup", "--data-dir", tmp_path).status == 0
        (tmp_path / "keys.json").write_bytes(good[:-10])
        assert status(server.url, key, task_id) != "UNKNOWN"  # the server goes on
        ready = HTTP.get(f"{server.url}/readyz", timeout=30)
        assert ready.status_code == 200
        assert [told["reason"] for told in ready.json()["warnings"]] == ["keys_damaged"]
        assert str(tmp_path) not in ready.text
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    with serving(tmp_path, main=COLD) as server:
        assert server.process.wait(20) == 1
    said = (tmp_path / "log.txt").read_text()
    assert f"cannot use {tmp_path / 'keys.json'}: line" in said
    assert "Traceback" not in said
    restored = run("restore", tmp_path / "backup", "--only", "keys", "--data-dir", tmp_path)
    assert restored.status == 0
    assert (tmp_path / "keys.json").read_bytes() == good


def test_what_is_no_backup_and_what_is_no_part_are_told(run: Run, tmp_path: Path) -> None:
    told = run("restore", tmp_path, "--data-dir", tmp_path / "data")
    assert told.status == 2 and "manifest.json" in told.err
    told = run("restore", tmp_path, "--only", "everything")
    assert told.status == 2 and "signing-keys" in told.err
    assert not (tmp_path / "data").exists()
