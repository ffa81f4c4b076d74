"""Estimates for those who wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portravox.service.eta import TaskEta, Work
from portravox.service.tasks.queue import Job, Result
from portravox.service.tasks.rows import new_task
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import LatestAttempts

WAITING = new_task(
    Job(model="liveportrait", image_url="i", audio_url="a", parameters={}, resolve_oss=False),
    key_id="1",
    key_group="default",
    request_id="r",
    submitted_at=100.0,
)
RUNNING = replace(WAITING, state=TaskState.RUNNING, scheduled_at=200.0)


def test_nobody_knows_before_the_first_video() -> None:
    eta = TaskEta(workers=1)
    assert eta.remaining_s(WAITING, position=0, now=100.0) is None
    assert eta.remaining_s(RUNNING, position=None, now=201.0) is None


def test_those_ahead_are_waited_for_by_as_many_as_there_are_workers() -> None:
    for workers, wait_s in ((1, 50.0), (2, 30.0)):
        eta = TaskEta(workers=workers)
        eta.record_attempt(10.0)
        assert eta.remaining_s(WAITING, position=4, now=100.0) == wait_s


def test_a_long_video_is_not_told_what_short_ones_took() -> None:
    """Ten short ones, then 158 s of voice: it was told 9 s, and took 123 s."""
    short, long = Work(frames=48, pixels=512 * 512), Work(frames=158 * 24, pixels=512 * 512)
    eta = TaskEta(workers=1)
    for _ in range(10):
        eta.record_attempt(2.5, short)
    early = replace(RUNNING, done=0.02)
    assert eta.remaining_s(early, position=None, now=201.0) is None  # nobody knows its length
    eta.start(early, long)
    left_s = eta.remaining_s(early, position=None, now=201.0)
    assert left_s == pytest.approx(1.5 * 158 / 2, rel=0.01)
    # Who waits behind it waits for it, too; two workers share what is before it.
    assert eta.remaining_s(WAITING, position=0, now=201.0) == pytest.approx(left_s + 2.5)
    assert eta.finish(early.task_id) == long
    assert eta.remaining_s(WAITING, position=0, now=330.0) == pytest.approx(2.5)


def test_larger_pictures_take_longer() -> None:
    eta = TaskEta(workers=1)
    eta.record_attempt(11.0, Work(frames=100, pixels=700_000))
    left_s = []
    for pixels in (700_000, 1_700_000):
        eta.start(RUNNING, Work(frames=100, pixels=pixels))
        left_s.append(eta.remaining_s(RUNNING, position=None, now=200.0))
    assert left_s == pytest.approx([11.0, 21.0])


def test_a_task_at_work_is_judged_by_its_own_speed() -> None:
    eta = TaskEta(workers=1)
    eta.record_attempt(10.0)
    quarter = replace(RUNNING, done=0.25)
    assert eta.remaining_s(quarter, position=None, now=203.0) == pytest.approx(9.0)


def test_what_came_before_the_first_frame_says_nothing_about_frames() -> None:
    """The first video of a server: 15 s of loading, then a tenth a second; it was told 44 s."""
    eta = TaskEta(workers=1)
    eta.draw(RUNNING.task_id, 0.08, now=215.0)
    eta.draw(RUNNING.task_id, 0.18, now=216.0)  # only the first time counts
    quarter = replace(RUNNING, done=0.28)
    assert eta.remaining_s(quarter, position=None, now=217.0) == pytest.approx(7.2)
    eta.finish(RUNNING.task_id)  # a further attempt begins anew
    assert eta.remaining_s(quarter, position=None, now=228.0) == pytest.approx(28 * 0.72 / 0.28)


def test_who_waits_behind_the_first_video_is_told_once_that_is_being_drawn() -> None:
    eta = TaskEta(workers=1)
    eta.start(RUNNING, Work(frames=100, pixels=300_000))
    assert eta.remaining_s(WAITING, position=0, now=202.0) is None
    eta.draw(RUNNING.task_id, 0.1, now=202.0)
    eta.draw(RUNNING.task_id, 0.5, now=206.0)  # a tenth a second: 5 s more, 11 s in all
    assert eta.remaining_s(WAITING, position=0, now=206.0) == pytest.approx(5.0 + 11.0)
    assert eta.remaining_s(WAITING, position=1, now=207.0) == pytest.approx(4.0 + 2 * 11.0)


def test_the_mean_follows_what_attempts_take() -> None:
    eta = TaskEta(workers=1)
    eta.record_attempt(10.0)
    for _ in range(50):
        eta.record_attempt(20.0)
    assert eta.remaining_s(WAITING, position=0, now=0.0) == pytest.approx(20.0, abs=0.01)


def test_what_has_ended_needs_no_time() -> None:
    ended = replace(
        RUNNING,
        state=TaskState.SUCCEEDED,
        done=1.0,
        ended_at=210.0,
        result=Result(video_name="v.mp4", duration_s=1.0),
    )
    assert TaskEta(workers=1).remaining_s(ended, position=None, now=300.0) is None


def test_what_other_machines_took_tells_how_long_one_waits() -> None:
    eta = TaskEta(workers=1)
    eta.learn(LatestAttempts(mean_s=None, running=3))
    assert eta.remaining_s(WAITING, position=0, now=0.0) is None
    eta.learn(LatestAttempts(mean_s=12.0, running=3))
    assert eta.remaining_s(WAITING, position=6, now=0.0) == pytest.approx(6 * 12 / 3 + 12)
    eta.learn(LatestAttempts(mean_s=12.0, running=0))
    assert eta.remaining_s(WAITING, position=0, now=0.0) == pytest.approx(12.0)
