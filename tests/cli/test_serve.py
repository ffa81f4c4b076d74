"""portravox serve: a real server in a process of its own, from its first line to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
import uvloop

from portravox.cli.serve import _accepting_sockets, _open_studio
from portravox.service.settings import ServiceSettings
from tests.live import COLD, HTTP, new_key, serving


def test_a_first_start_gives_a_key_that_works_and_the_second_gives_none(tmp_path: Path) -> None:
    # What it prints to be pasted names files of strangers: where there is no network, looking for
    # them takes longer than this test waits.
    with serving(tmp_path, environment={"PORTRAVOX_DRAIN_S": "1"}, main=COLD) as server:
        told = [server.line() for _ in range(5)]
        [key] = [line.strip() for line in told if line.startswith("sk-")]
        # Answered as soon as the server is ready: connections wait in its socket till then.
        answered = HTTP.get(
            f"{server.url}/api/v1/tasks", headers={"Authorization": f"Bearer {key}"}
        )
        assert (answered.status_code, answered.json()["total"]) == (200, 0)
        assert HTTP.get(f"{server.url}/api/v1/tasks").status_code == 401
        if shutil.which("curl"):  # what it printed can be pasted
            pasted = subprocess.run(told[-1], shell=True, capture_output=True, timeout=20)
            assert json.loads(pasted.stdout)["output"]["task_status"] == "PENDING"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert "sk-" not in server.rest()
    with serving(tmp_path, main=COLD) as server:
        assert HTTP.get(f"{server.url}/readyz").status_code == 200
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 130
        assert "sk-" not in server.rest()
    log = (tmp_path / "log.txt").read_text()
    assert "GET /api/v1/tasks 200 request_id=" in log
    assert key not in log


def test_strangers_are_not_served_without_keys_unless_that_is_meant(run, tmp_path) -> None:
    told = run("serve", "--no-keys", "--host", "0.0.0.0", "--data-dir", tmp_path)
    assert told.status == 2
    assert "--insecure" in told.err


def test_a_port_in_use_and_a_folder_in_use_are_told(run, tmp_path) -> None:
    with serving(tmp_path, main=COLD) as first:
        port = first.url.rpartition(":")[2]
        taken = run("serve", "--port", port, "--data-dir", tmp_path)
        assert taken.status == 2
        assert "is in use" in taken.err
        deadline = time.monotonic() + 10
        while not (tmp_path / "tasks.db").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        HTTP.get(f"{first.url}/readyz")
        (tmp_path / "work" / "mine").touch()
        with serving(tmp_path, main=COLD) as second:
            assert second.process.wait(10) == 1
            assert second.url == ""  # it does not say that it serves
        assert (tmp_path / "work" / "mine").exists()
    assert "error: the table of tasks cannot be used" in (tmp_path / "log.txt").read_text()


def test_many_connections_are_taken_in_one_turn_of_a_busy_loop() -> None:
    """A turn lasts 20 ms under load, and one connection a turn leaves the last one waiting long."""

    async def turns_until_taken(ears: list[socket.socket], clients: int) -> int:
        loop = asyncio.get_running_loop()
        taken: list[asyncio.BaseTransport] = []

        class Taken(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                taken.append(transport)

        servers = [await loop.create_server(Taken, sock=ear) for ear in ears]
        turns = 0
        while len(taken) < clients:
            await asyncio.sleep(0)
            turns += 1
        for end in (*taken, *servers):
            end.close()
        for server in servers:
            await server.wait_closed()
        return turns

    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        for _ in range(32):  # they wait in the socket
            opened.enter_context(socket.create_connection(listener.getsockname()))
        ears = [opened.enter_context(ear) for ear in _accepting_sockets(listener)[1:]]
        assert uvloop.run(turns_until_taken([listener, *ears], 32)) <= 8


def test_clients_are_answered_while_a_server_that_was_told_to_stop_finishes(tmp_path: Path) -> None:
    """Whoever waits for a video that is being made asks on, on old connections and new ones."""
    key = {"Authorization": f"Bearer {new_key(tmp_path)}", "X-DashScope-Async": "enable"}
    submit = "/api/v1/services/aigc/image2video/video-synthesis"
    with socket.create_server(("127.0.0.1", 0)) as silence:  # takes connections, says nothing
        nowhere = f"http://127.0.0.1:{silence.getsockname()[1]}"
        job = {"image_url": f"{nowhere}/a.png", "audio_url": f"{nowhere}/a.wav"}
        environment = {
            "PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8",
            "PORTRAVOX_FETCH_PORTS": nowhere.rpartition(":")[2],
            "PORTRAVOX_DRAIN_S": "3",
        }
        with (
            serving(tmp_path, environment=environment) as server,
            httpx.Client(base_url=server.url, headers=key) as kept,
        ):
            body = {"model": "liveportrait", "input": job}
            task_id = kept.post(submit, json=body).json()["output"]["task_id"]
            task = f"/api/v1/tasks/{task_id}"
            while kept.get(task).json()["output"]["task_status"] != "RUNNING":
                time.sleep(0.05)
            server.process.send_signal(signal.SIGTERM)
            told_at = time.monotonic()
            assert kept.get("/readyz").status_code == 503
            polls = 0
            while time.monotonic() - told_at < 1.0:
                for client in (kept, HTTP):
                    answered = client.get(f"{server.url}{task}", headers=key)
                    assert answered.json()["output"]["task_status"] == "RUNNING"
                    sent_at = parsedate_to_datetime(answered.headers["date"]).timestamp()
                    assert abs(sent_at - time.time()) < 3.0
                    polls += 1
                refused = HTTP.post(f"{server.url}{submit}", json=body, headers=key)
                assert (refused.status_code, refused.json()["code"]) == (503, "ModelUnavailable")
                assert HTTP.get(f"{server.url}/readyz").status_code == 503
                health = HTTP.get(f"{server.url}/healthz")
                assert (health.status_code, list(health.json()["engines"])) == (200, ["embedded"])
                time.sleep(0.1)
            assert polls >= 2  # once on an old connection, once on a new one
            assert server.process.wait(20) == 0


def test_where_it_cannot_serve_it_says_what_it_needs_in_one_line(run, monkeypatch):
    monkeypatch.setattr("portravox.cli.serve.can_serve", lambda: False)
    told = run("serve")
    assert told.status == 1
    assert told.err.startswith(
        "error: the server does not run on this operating system; wanted Linux"
    )


@pytest.mark.parametrize("opens", [True, False])
def test_open_shows_the_studio_by_a_link_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], opens: bool
) -> None:
    shown: list[str] = []

    def browser(link: str) -> bool:
        shown.append(link)
        return opens

    monkeypatch.setattr("webbrowser.open", browser)
    _open_studio(ServiceSettings(data_dir=tmp_path), "http://0.0.0.0:8000")
    assert shown[0].startswith("http://127.0.0.1:8000/#login=")
    assert ("no browser opened" in capsys.readouterr().err) is not opens
