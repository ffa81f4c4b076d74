"""Parts of a long video: each is made by one worker at a time, and only while it is wanted."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from portravox.service.tasks.parts import files_of
from portravox.service.tasks.queue import Failure, Job, Released, Result
from tests.postgres import database_of

pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")

from portravox.service.database.database import Database
from portravox.service.tasks.postgres import PostgresTaskQueue

JOB = Job(
    model="m", image_url="http://h/p", audio_url="http://h/v", parameters={}, resolve_oss=False
)
RANGES = [range(10), range(10, 20), range(20, 31)]
BROKEN = Failure(code="InternalError.Algo", message="broken", retry=True)
OURS = {"recipe": "r", "engines": ["embedded"], "lease_s": 30.0}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def planned(folder, clock=None):
    """A queue with a running task that has three parts."""
    queue = PostgresTaskQueue(Database(database_of(folder)), clock=clock)
    try:
        await queue.submit(JOB, key_id="k", key_group="g", request_id="r")
        task = await queue.claim("job 1", lease_s=30.0)
        await queue.parts.begin(task, plan="p", recipe="r", ranges=RANGES)
        yield queue, task
    finally:
        await queue.close()


async def calls_for_parts(queue):
    statement = "SELECT priority FROM procrastinate_jobs WHERE queue_name = 'parts'"
    return [row["priority"] for row in await queue._database.fetch(statement, {})]


async def test_each_part_is_made_once_and_others_are_called_below_all_tasks(tmp_path):
    async with planned(tmp_path) as (queue, task):
        assert await calls_for_parts(queue) == [-1, -1]  # the attempt makes one itself
        claimed = []
        while found := await queue.parts.claim("w", **OURS):
            part, its_task = found
            assert its_task.task_id == task.task_id
            claimed.append((part.number, part.first, part.stop, part.tries))
        assert claimed == [(0, 0, 10, 1), (1, 10, 20, 1), (2, 20, 31, 1)]
        for part in await queue.parts.of_task(task.task_id):
            assert await queue.parts.finish(part, None)
            assert not await queue.parts.finish(part, None)
        assert {part.state for part in await queue.parts.of_task(task.task_id)} == {"DONE"}


async def test_who_would_make_something_else_makes_none(tmp_path):
    async with planned(tmp_path) as (queue, task):
        assert await queue.parts.claim("w", **{**OURS, "recipe": "another"}) is None
        assert await queue.parts.claim("w", **{**OURS, "engines": ["neural"]}) is None
        assert await queue.parts.claim("w", **OURS, task_id="another") is None
        assert await queue.parts.claim("w", **OURS, task_id=task.task_id) is not None


async def test_helpers_go_where_the_fewest_are(tmp_path):
    async with planned(tmp_path) as (queue, task):
        await queue.submit(JOB, key_id="other", key_group="g", request_id="r")
        other = await queue.claim("job 2", lease_s=30.0)
        await queue.parts.begin(other, plan="p", recipe="r", ranges=RANGES)
        helped = [(await queue.parts.claim("w", **OURS))[0].task_id for _ in range(4)]
        assert sorted(helped) == sorted([task.task_id, other.task_id] * 2)
        assert helped[0] != helped[1]


@pytest.mark.parametrize("gone", [True, False])
async def test_a_part_of_a_worker_that_is_gone_waits_again_and_its_answer_is_late(tmp_path, gone):
    clock = Clock()
    async with planned(tmp_path, clock) as (queue, task):
        lost, _ = await queue.parts.claim("job 7", **OURS)
        kept, _ = await queue.parts.claim("job 8", **OURS)
        if gone:
            await queue.parts.requeue_expired(["job 7"])
        else:
            clock.now += 20.0
            assert await queue.parts.heartbeat(kept, lease_s=30.0, done=0.5)
            clock.now += 15.0
            await queue.parts.requeue_expired()
        states = [part.state for part in await queue.parts.of_task(task.task_id)]
        assert states == ["WAITING", "RUNNING", "WAITING"]
        assert await calls_for_parts(queue) == [-1, -1, -1]
        assert not await queue.parts.heartbeat(lost, lease_s=30.0, done=0.5)
        again, _ = await queue.parts.claim("w", **OURS)
        assert (again.number, again.tries) == (0, 2)
        assert not await queue.parts.finish(lost, None)
        assert await queue.parts.finish(again, None)


async def test_a_part_is_tried_three_times_and_what_was_given_back_counts_as_none(tmp_path):
    async with planned(tmp_path) as (queue, task):
        for _ in range(3):
            part, _ = await queue.parts.claim("w", **OURS, task_id=task.task_id)
            await queue.parts.release(part)
        for _ in range(2):
            part, _ = await queue.parts.claim("w", **OURS)
            assert part.number == 0
            await queue.parts.finish(part, BROKEN)
        part, _ = await queue.parts.claim("w", **OURS)
        await queue.parts.requeue_expired(["w"])
        first, *_ = await queue.parts.of_task(task.task_id)
        assert first.state == "FAILED"
        assert first.failure.code == "InternalError.Algo"


async def test_nobody_goes_on_with_a_video_that_is_not_wanted(tmp_path):
    async with planned(tmp_path) as (queue, task):
        part, _ = await queue.parts.claim("w", **OURS)
        assert await queue.parts.heartbeat(part, lease_s=30.0, done=0.1)
        assert await queue.cancel(task.task_id, key_group="g", force=True)
        assert not await queue.parts.heartbeat(part, lease_s=30.0, done=0.2)
        assert await queue.parts.claim("w", **OURS) is None
        assert await queue.parts.forget_ended() == ()
        await queue.finish(task.task_id, task.attempt, Released())
        left = await queue.parts.forget_ended()
        names = files_of(left)
        assert f"{task.task_id}-p-plan.part" in names
        assert f"{task.task_id}-p-0-1.part" in names
        assert f"{task.task_id}-p-1-1.part" not in names
        assert await queue.parts.of_task(task.task_id) == ()
        assert not await queue.parts.finish(part, None)


async def test_the_next_attempt_goes_on_with_parts_of_the_same_plan(tmp_path):
    async with planned(tmp_path) as (queue, task):
        part, _ = await queue.parts.claim("w", **OURS)
        await queue.parts.finish(part, None)
        elsewhere, _ = await queue.parts.claim("w", **OURS)
        await queue.finish(task.task_id, task.attempt, Released())
        assert await queue.parts.claim("w", **OURS) is None  # nobody would join them
        assert await queue.parts.heartbeat(elsewhere, lease_s=30.0, done=0.5)
        again = await queue.claim("job 2", lease_s=30.0)
        assert await queue.parts.begin(again, plan="p", recipe="r", ranges=RANGES) == ()
        states = [part.state for part in await queue.parts.of_task(task.task_id)]
        assert states == ["DONE", "RUNNING", "WAITING"]
        forgotten = await queue.parts.begin(again, plan="q", recipe="r", ranges=RANGES[:2])
        assert [part.number for part in forgotten] == [0, 1, 2]
        states = [part.state for part in await queue.parts.of_task(task.task_id)]
        assert states == ["WAITING", "WAITING"]
        assert not await queue.parts.finish(elsewhere, None)
        # An attempt that lost its task leaves none.
        await queue.parts.drop(task.task_id)
        await queue.parts.begin(task, plan="p", recipe="r", ranges=RANGES)
        assert await queue.parts.of_task(task.task_id) == ()


async def test_parts_go_with_their_task(tmp_path):
    clock = Clock()
    async with planned(tmp_path, clock) as (queue, task):
        await queue.finish(task.task_id, task.attempt, Result(video_name="a.mp4", duration_s=1.0))
        await queue.remove_ended(clock.now + 1.0)
        assert await queue.parts.of_task(task.task_id) == ()
