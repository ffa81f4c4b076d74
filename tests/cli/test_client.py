"""portravox client, from the shell's side: output, progress, exit statuses."""

from __future__ import annotations

import functools
import sys

import httpx
import pytest

from portravox.cli.client import in_words
from portravox.client import connection, waiting
from portravox.client.api import Report
from tests.client.fake_server import (
    CAPTIONS,
    KEY,
    VIDEO,
    FakeServer,
    failed,
    pending,
    refusal,
    running,
    succeeded,
)

LINK = "http://files.example/v.mp4?Signature=x"
JOB = ("http://h/good.png", "http://h/voice.wav")


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    reached = functools.partial(connection.Connection, transport=server.transport)
    monkeypatch.setattr(connection, "Connection", reached)
    monkeypatch.setattr(connection, "PAUSES_S", ())
    monkeypatch.setattr(waiting, "PROGRESS_PAUSE_S", 0.0)
    monkeypatch.setattr(waiting, "SHORT_PAUSES_S", (0.0,))
    for name in ("PORTRAVOX_API_KEY_FILE", "DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTRAVOX_BASE_URL", "http://maker.example")
    monkeypatch.setenv("PORTRAVOX_API_KEY", KEY)
    return server


def test_submit_prints_the_task_and_nothing_else(run, server):
    told = run("client", "submit", *JOB, "--template-id", "calm", "--no-paste-back")
    assert (told.status, told.out, told.err) == (0, "task-1\n", "")
    assert server.submitted[0]["parameters"] == {
        "template_id": "calm",
        "eye_move_freq": 0.5,
        "video_fps": 24,
        "mouth_move_strength": 1.0,
        "paste_back": False,
        "head_move_strength": 0.7,
    }


def test_submit_sends_what_the_original_does_not_know_apart_and_only_if_it_says_something(
    run, server
):
    ours = ("--seed", "7", "--max-side", "512", "--visible-label", "en", "--quality", "standard")
    assert run("client", "submit", *JOB, *ours).status == 0
    parameters = server.submitted[0]["parameters"]
    assert parameters["portravox"] == {"seed": 7, "max_side": 512, "visible_label": "en"}


def test_submit_with_an_output_brings_the_video(run, server, tmp_path):
    server.reports["task-1"] = [pending(2), running("render", 0.41), succeeded()]
    target = tmp_path / "v.mp4"
    told = run("client", "submit", *JOB, "-o", target)
    assert (told.status, told.out) == (0, f"{target}\n")
    assert target.read_bytes() == VIDEO
    assert told.err.splitlines() == [
        "task task-1",
        "waiting, 2 tasks come first",
        " 41% rendering",
        "done",
    ]


def test_a_parameter_out_of_range_is_told_before_anything_is_sent(run, server, tmp_path):
    assert run("client", "submit", *JOB, "--video-fps", "60").status == 2
    assert run("client", "submit", *JOB, "-o", tmp_path).status == 2
    assert server.requests == []


def test_captions_that_were_asked_for_are_fetched_beside_the_video(run, server, tmp_path):
    said = ("--transcript", "Hello.", "--captions", "srt")
    server.reports["task-1"] = [succeeded("srt")]
    told = run("client", "submit", *JOB, *said, "-o", tmp_path / "v.mp4")
    assert (told.status, told.out) == (0, f"{tmp_path / 'v.mp4'}\n{tmp_path / 'v.srt'}\n")
    assert (tmp_path / "v.srt").read_bytes() == CAPTIONS
    assert server.submitted[0]["parameters"]["portravox"]["captions"] == "srt"
    server.reports["a"] = [succeeded("vtt")]
    told = run("client", "wait", "a", "--captions", "-o", tmp_path / "w.mp4", "--json")
    assert told.json["captions"] == str(tmp_path / "w.vtt")
    assert (tmp_path / "w.vtt").read_bytes() == CAPTIONS
    refused = run("client", "submit", *JOB, *said)
    assert refused.status == 2 and "beside which" in refused.err


def test_wait_prints_the_link_or_fetches_the_video(run, server, tmp_path):
    server.reports["a"] = [succeeded()]
    assert run("client", "wait", "a").out == f"{LINK}\n"
    answer = run("client", "wait", "a", "-o", tmp_path / "v.mp4", "--json").json
    assert answer == {
        "task_id": "a",
        "video_url": LINK,
        "video_s": 2.79,
        "path": str(tmp_path / "v.mp4"),
        "captions": None,
    }


@pytest.mark.parametrize(
    ("report", "status"),
    [(failed(), 2), (failed("InternalError.Algo"), 1)],
    ids=["the input", "the server"],
)
def test_the_exit_status_says_whose_fault_it_was(run, server, report, status):
    server.reports["a"] = [report]
    told = run("client", "wait", "a")
    assert told.status == status
    assert told.err.splitlines()[-1].startswith("error: task a failed: ")


def test_errors_are_json_where_that_is_wanted(run, server):
    server.reports["a"] = [failed()]
    told = run("client", "wait", "a", "--json")
    assert told.json["error"]["code"] == "task_refused"
    assert told.status == 2


def test_a_wrong_key_gives_2_and_says_what_to_do(run, server, monkeypatch):
    monkeypatch.setenv("PORTRAVOX_API_KEY", "sk-other")
    told = run("client", "list")
    assert told.status == 2
    assert "InvalidApiKey" in told.err
    assert "--api-key-file" in told.err
    assert "sk-other" not in told.err


def test_a_busy_server_gives_1(run, server):
    server.faults = [refusal(429, "Throttling", "Requests throttling triggered.")]
    assert run("client", "list").status == 1


def test_the_key_may_lie_in_a_file(run, server, monkeypatch, tmp_path):
    monkeypatch.delenv("PORTRAVOX_API_KEY")
    (tmp_path / "key").write_text(KEY + "\n")
    assert run("client", "list", "--api-key-file", tmp_path / "key").status == 0


def test_a_missing_library_is_named(run, monkeypatch):
    for name in ("httpx", "portravox.client.api", "portravox.client.connection"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "httpx", None)
    told = run("client", "list")
    assert told.status == 1
    assert "a library is missing: httpx" in told.err
    assert "portravox[client]" in told.err


def test_cancel(run, server):
    server.reports["a"] = [pending()]
    assert run("client", "cancel", "a", "--force").status == 0
    assert server.canceled == ["a force=true"]
    assert run("client", "cancel", "b").status == 2


def test_list_shows_a_line_a_task(run, server):
    told = run("client", "list", "--status", "failed", "--page-size", "5")
    assert told.out.startswith("task-9  FAILED     2025-04-25 ")
    assert told.err == "page 1 of 3; tasks in all: 12\n"
    assert run("client", "list", "--json").json["total"] == 12


def test_detect_answers_with_its_exit_status(run, server):
    good = run("client", "detect", "http://h/good.png")
    assert (good.status, good.out) == (0, "yes\n")
    wall = run("client", "detect", "http://h/wall.png")
    assert (wall.status, wall.out) == (1, "no: No human face detected.\n")
    assert run("client", "detect", "http://h/wall.png", "--json").json["pass"] is False


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (Report(task_id="a", status="PENDING"), "waiting"),
        (Report(task_id="a", status="PENDING", queue_position=0), "waiting, next in turn"),
        (
            Report(task_id="a", status="PENDING", queue_position=1, remaining_s=80.0),
            "waiting, 1 task comes first, 80 s left",
        ),
        (Report(task_id="a", status="RUNNING"), "running"),
        (
            Report(task_id="a", status="RUNNING", stage="render", done=0.5, remaining_s=12.4),
            " 50% rendering, 12 s left",
        ),
        (
            Report(task_id="a", status="RUNNING", stage="download", done=0.0),
            "  0% fetching the files",
        ),
        (Report(task_id="a", status="RUNNING", stage="new one", done=0.2), " 20% new one"),
        (Report(task_id="a", status="FAILED"), "FAILED"),
    ],
)
def test_progress_in_words(report, words):
    assert in_words(report) == words


def test_a_statement_is_shown_with_what_agrees_to_it(run, server):
    told = {"output": {"id": "3f", "text": "I may."}}
    server.faults = [httpx.Response(200, json=told)] * 2
    assert run("client", "consent").out == "I may.\n--consent 3f\n"
    assert run("client", "consent", "--json").json == {"id": "3f", "text": "I may."}
    server.faults = [httpx.Response(200, json={"output": {"id": None, "text": None}})]
    assert "asks for no statement" in run("client", "consent").err
    assert run("client", "submit", *JOB, "--consent", "3f").status == 0
    assert server.submitted[0]["input"]["consent"] == "3f"
