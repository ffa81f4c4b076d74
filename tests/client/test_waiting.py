"""Waiting ends when the task does, each way with an error of its own, or when the time is up."""

from __future__ import annotations

import itertools

import pytest

from portravox.client.errors import (
    TaskCanceled,
    TaskFailed,
    TaskForgotten,
    TaskRefused,
    TaskUnfinished,
)
from portravox.client.waiting import LONG_PAUSE_S, PROGRESS_PAUSE_S, SHORT_PAUSES_S, wait_for_end
from portravox.errors import InputError
from tests.client.fake_server import canceled, failed, pending, running, succeeded


class Time:
    def __init__(self):
        self.now = 0.0
        self.pauses_s = []

    def sleep(self, seconds):
        self.pauses_s.append(seconds)
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def wait(client, time):
    return lambda task_id, **options: wait_for_end(
        client, task_id, clock=lambda: time.now, sleep=time.sleep, **options
    )


def test_a_task_is_followed_to_its_video(server, wait):
    server.reports["a"] = [pending(3), pending(0), running("render", 0.5), succeeded()]
    seen = []
    report = wait("a", on_report=seen.append)
    assert report.video_url == "http://files.example/v.mp4?Signature=x"
    assert [r.status for r in seen] == ["PENDING", "PENDING", "RUNNING", "SUCCEEDED"]
    assert [r.queue_position for r in seen] == [3, 0, None, None]


def test_the_original_is_asked_as_often_as_by_its_own_package(server, wait, time):
    server.reports["a"] = [running()] * 11 + [succeeded()]
    wait("a")
    assert time.pauses_s == [*SHORT_PAUSES_S, LONG_PAUSE_S, LONG_PAUSE_S, LONG_PAUSE_S]


def test_a_server_of_ours_is_asked_each_second(server, wait, time):
    server.reports["a"] = [running("render", 0.1)] * 30 + [succeeded()]
    wait("a")
    assert set(time.pauses_s) == {PROGRESS_PAUSE_S}


def test_each_end_is_told_apart(server, wait):
    server.reports = {"f": [failed()], "i": [failed("InternalError.Algo")], "c": [canceled()]}
    with pytest.raises(TaskRefused, match=r"InvalidImage.NoHumanFace: That is why") as caught:
        wait("f")
    assert caught.value.server_code == "InvalidImage.NoHumanFace"
    with pytest.raises(TaskFailed) as broken:
        wait("i")
    assert not isinstance(broken.value, InputError)
    with pytest.raises(TaskCanceled):
        wait("c")
    with pytest.raises(TaskForgotten):
        wait("unknown")


def test_the_time_may_be_up_first(server, wait, time):
    server.reports["a"] = [running()]
    with pytest.raises(TaskUnfinished, match="still RUNNING after 20 s") as caught:
        wait("a", timeout_s=20.0)
    assert "portravox client wait a" in caught.value.hint
    sums = list(itertools.accumulate(time.pauses_s))
    assert sums[-1] <= 20.0 < sums[-1] + LONG_PAUSE_S
