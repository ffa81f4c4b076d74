"""What every queue of tasks promises, whatever keeps it.

Each test runs on each queue in QUEUES; a new one is added there, as a function from a folder and
keyword arguments (clock, max_pending, limits_of) to an open queue.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from portravox.service.errors import IdempotencyConflict, QueueFull, TaskTooLarge
from portravox.service.tasks.queue import (
    GIVEN_UP,
    MAX_TRIES,
    Explanation,
    Failure,
    Job,
    KeyLimits,
    Released,
    Result,
    Task,
    TaskFilter,
    TaskQueue,
)
from portravox.service.tasks.room import MAX_TASK_BYTES, Caps
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.tasks.states import TaskState
from tests.postgres import database_of

PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED = TaskState


def postgres_queue(folder: Path, **options: Any) -> TaskQueue:
    """On the run's own PostgreSQL; skips where there can be none."""
    url = database_of(folder)
    from portravox.service.database.database import Database
    from portravox.service.tasks.postgres import PostgresTaskQueue

    return PostgresTaskQueue(Database(url), **options)


QUEUES: dict[str, Callable[..., TaskQueue]] = {
    "sqlite": lambda folder, **options: SqliteTaskQueue(folder / "tasks.db", **options),
    "postgres": postgres_queue,
}

JOB = Job(
    model="liveportrait",
    image_url="https://host/脸.png?sign=a'b",
    audio_url="oss://dashscope-instant/x/voice.wav",
    parameters={"template_id": "calm", "video_fps": 24, "paste_back": True, "head": 0.7},
    resolve_oss=True,
)
VIDEO = Result(video_name="a.mp4", duration_s=2.75)
BROKEN = Failure(code="InternalError.Algo", message="broken", retry=True)
BAD_INPUT = Failure(code="InvalidImage.NoHumanFace", message="No human face detected.")

LEASE_S = 30.0
START = 1_800_000_000.0


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=QUEUES)
def make_queue(request, tmp_path):
    return lambda **options: QUEUES[request.param](tmp_path, **options)


@pytest.fixture
def run():
    """Runs coroutines of one test in one event loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(make_queue, run, clock):
    opened = make_queue(clock=clock)
    yield opened
    run(opened.close())


async def submit(queue: TaskQueue, key_id: str = "anna", **options: Any) -> Task:
    return await queue.submit(
        options.pop("job", JOB),
        key_id=key_id,
        key_group=options.pop("key_group", "all"),
        request_id="request",
        **options,
    )


async def claim(queue: TaskQueue) -> Task:
    task = await queue.claim("worker", lease_s=LEASE_S)
    assert task is not None
    return task


async def look(queue: TaskQueue, task: Task) -> Task:
    seen = await queue.get(task.task_id, key_group="all")
    assert seen is not None
    return seen


async def claim_all(queue: TaskQueue) -> list[Task]:
    claimed = []
    while (task := await queue.claim("worker", lease_s=LEASE_S)) is not None:
        claimed.append(task)
    return claimed


def test_a_task_lives_from_submission_to_its_video(queue, run, clock):
    async def life():
        submitted = await submit(queue)
        assert submitted.state is PENDING
        assert (submitted.submitted_at, submitted.attempt, submitted.job) == (START, 0, JOB)
        assert await look(queue, submitted) == submitted
        clock.now += 5
        claimed = await claim(queue)
        assert claimed == replace(
            submitted,
            state=RUNNING,
            attempt=1,
            scheduled_at=START + 5,
            worker="worker",
            lease_until=START + 5 + LEASE_S,
        )
        clock.now += 1
        assert await queue.heartbeat(claimed.task_id, 1, lease_s=LEASE_S, stage="render", done=0.25)
        beating = await look(queue, submitted)
        assert (beating.stage, beating.done) == ("render", 0.25)
        assert beating.lease_until == START + 6 + LEASE_S
        clock.now += 1
        assert await queue.finish(claimed.task_id, 1, VIDEO)
        ended = await look(queue, submitted)
        assert (ended.state, ended.result, ended.done) == (SUCCEEDED, VIDEO, 1.0)
        assert (ended.scheduled_at, ended.ended_at) == (START + 5, START + 7)
        assert (ended.stage, ended.lease_until) == (None, None)

    run(life())


def test_ids_are_lower_case_uuids_of_version_4(queue, run):
    task_id = run(submit(queue)).task_id
    assert len(task_id) == 36 and task_id == task_id.lower() and task_id[14] == "4"


def test_nobody_is_told_of_another_groups_task(queue, run):
    async def peek():
        task = await submit(queue, key_group="ours")
        for task_id in (task.task_id, "00000000-0000-4000-8000-000000000000", "", "' OR 1"):
            assert await queue.get(task_id, key_group="theirs") is None
            assert not await queue.cancel(task_id, key_group="theirs", force=True)
        assert (await queue.list(TaskFilter(), key_group="theirs")).total == 0
        seen = await queue.get(task.task_id, key_group="ours")
        assert seen is not None and seen.state is PENDING

    run(peek())


def test_one_reader_finds_the_tasks_of_all_groups(queue, run):
    async def read():
        ids = [(await submit(queue, key_group=group)).task_id for group in ("ours", "theirs")]
        assert await queue.find([]) == {}
        found = await queue.find([*ids, "' OR 1", ids[0]])
        assert {id_: task.key_group for id_, task in found.items()} == {
            ids[0]: "ours",
            ids[1]: "theirs",
        }
        assert found[ids[0]] == await queue.get(ids[0], key_group="ours")

    run(read())


def test_tasks_of_a_key_are_claimed_in_the_order_they_came(queue, run):
    async def order():
        submitted = [(await submit(queue)).task_id for _ in range(5)]
        assert [task.task_id for task in await claim_all(queue)] == submitted

    run(order())


def test_keys_take_turns_whoever_came_first(queue, run):
    async def turns():
        for key_id in "aaaaabbc":
            await submit(queue, key_id)
        first, second = await claim(queue), await claim(queue)
        assert [first.key_id, second.key_id] == ["a", "b"]
        await queue.finish(first.task_id, 1, VIDEO)
        await queue.finish(second.task_id, 1, VIDEO)
        return "".join(task.key_id for task in await claim_all(queue))

    assert run(turns()) == "cabaaa"


def test_the_key_with_fewer_running_tasks_goes_first(queue, run):
    async def turns():
        for key_id in "aabb":
            await submit(queue, key_id)
        a, b = await claim(queue), await claim(queue)
        assert (a.key_id, b.key_id) == ("a", "b")
        await queue.finish(b.task_id, 1, VIDEO)
        return (await claim(queue)).key_id

    assert run(turns()) == "b"


def test_a_keys_limit_of_running_tasks_lets_others_pass(make_queue, run):
    queue = make_queue(limits_of=lambda key: KeyLimits(max_running=1 if key == "a" else None))

    async def limited():
        for key_id in "aaabb":
            await submit(queue, key_id)
        claimed = await claim_all(queue)
        assert sorted(task.key_id for task in claimed) == ["a", "b", "b"]
        [a] = [task for task in claimed if task.key_id == "a"]
        await queue.finish(a.task_id, 1, VIDEO)
        assert (await claim(queue)).key_id == "a"
        await queue.close()

    run(limited())


def test_a_full_queue_takes_no_more_until_a_task_is_claimed(make_queue, run):
    queue = make_queue(max_pending=2)

    async def fill():
        await submit(queue, idempotency_key="again")
        await submit(queue)
        with pytest.raises(QueueFull):
            await submit(queue)
        assert (await submit(queue, idempotency_key="again")).state is PENDING
        await claim(queue)
        await submit(queue)
        assert (await queue.counts())[PENDING] == 2
        await queue.close()

    run(fill())


def test_a_keys_limit_of_waiting_tasks_is_its_own(make_queue, run):
    queue = make_queue(limits_of=lambda key: KeyLimits(max_pending=1 if key == "a" else None))

    async def fill():
        await submit(queue, "a")
        with pytest.raises(QueueFull):
            await submit(queue, "a")
        await submit(queue, "b")
        await submit(queue, "b")
        await queue.close()

    run(fill())


def test_one_key_leaves_room_for_others_however_much_it_submits(make_queue, run):
    queue = make_queue(max_pending=12, limits_of=lambda key: KeyLimits(share=0.5))

    async def fill(key_id):
        accepted = 0
        with pytest.raises(QueueFull):
            while True:
                await submit(queue, key_id)
                accepted += 1
        return accepted

    async def flood():
        first = await fill("a")
        second = await fill("b")
        third = await fill("c")
        assert (first, second, third) == (6, 3, 1)  # half of what the others leave of 12, 6, 3
        for key_id in "de":  # whoever has nothing yet is never refused for its share
            await submit(queue, key_id)
        with pytest.raises(QueueFull):
            await submit(queue, "f")  # but the whole is the whole
        assert (await queue.counts())[PENDING] == 12
        await queue.close()

    run(flood())


def test_a_key_alone_may_have_the_whole_queue(make_queue, run):
    queue = make_queue(max_pending=5, limits_of=lambda key: KeyLimits(share=1.0))

    async def fill():
        for _ in range(5):
            await submit(queue, "a")
        with pytest.raises(QueueFull):
            await submit(queue, "b")
        await queue.close()

    run(fill())


def test_cancelled_tasks_are_counted_as_long_as_they_are_remembered(make_queue, run, clock):
    queue = make_queue(
        clock=clock,
        caps=replace(Caps(), canceled=10),
        limits_of=lambda key: KeyLimits(share=0.5),
    )

    async def submit_and_cancel(key_id):
        task = await submit(queue, key_id)
        assert await queue.cancel(task.task_id, key_group="all")

    async def flood(key_id):
        for number in range(100):
            try:
                await submit_and_cancel(key_id)
            except QueueFull:
                return number
        return 100

    async def play():
        assert (await flood("a"), await flood("b")) == (5, 2)
        await submit(queue, "c")
        clock.now += 10
        await queue.remove_ended(clock.now)
        assert await flood("a") == 5  # forgotten, so there is room again
        await queue.close()

    run(play())


def test_ended_tasks_are_counted_whatever_ended_them(make_queue, run):
    queue = make_queue(caps=Caps(ended=3), limits_of=lambda key: KeyLimits(share=1.0))

    async def play():
        for outcome in (VIDEO, BAD_INPUT, VIDEO):
            await submit(queue)
            task = await claim(queue)
            assert await queue.finish(task.task_id, task.attempt, outcome)
        with pytest.raises(QueueFull, match="3 ended tasks"):
            await submit(queue)
        await queue.remove_ended(math.inf)
        await submit(queue)
        await queue.close()

    run(play())


def test_what_clients_write_is_bounded_in_bytes_waiting_or_ended(make_queue, run):
    queue = make_queue(caps=Caps(text_bytes=100_000), limits_of=lambda key: KeyLimits(share=0.5))
    long = replace(JOB, image_url="http://host/" + "脸" * 4000)  # 12,000 bytes

    async def flood(key_id):
        with pytest.raises(QueueFull, match="bytes"):
            for number in range(100):
                accepted = number
                task = await submit(queue, key_id, job=long)
                await queue.cancel(task.task_id, key_group="all")
        return accepted

    async def play():
        assert (await flood("a"), await flood("b")) == (4, 2)
        await submit(queue, "c", job=long)
        await queue.close()

    run(play())


def test_a_task_of_too_much_text_is_refused_by_name(queue, run):
    async def play():
        with pytest.raises(TaskTooLarge, match=f"{MAX_TASK_BYTES} at most"):
            await submit(queue, job=replace(JOB, audio_url="http://h/" + "a" * MAX_TASK_BYTES))
        with pytest.raises(TaskTooLarge):
            await submit(queue, idempotency_key="k" * MAX_TASK_BYTES)
        assert (await queue.counts())[PENDING] == 0

    run(play())


def test_a_sound_table_has_no_damage_and_gives_room_back_when_asked(queue, run):
    async def play():
        await submit(queue)
        assert not await queue.give_back_room()
        assert queue.damage is None

    run(play())


def test_limits_hold_among_submissions_at_the_same_moment(make_queue, run):
    queue = make_queue(max_pending=10)

    async def rush():
        answers = await asyncio.gather(*(submit(queue) for _ in range(50)), return_exceptions=True)
        await queue.close()
        return sum(isinstance(answer, Task) for answer in answers)

    assert run(rush()) == 10


def test_a_repeated_submission_gives_the_first_task(queue, run):
    async def asked(key_id="anna", key="k", job=JOB):
        return await queue.repeated(job, key_id=key_id, idempotency_key=key)

    async def repeat():
        assert await asked() is None
        first = await submit(queue, idempotency_key="k")
        assert (await asked()).task_id == first.task_id
        assert await asked("berta") is None and await asked(key="K") is None
        with pytest.raises(IdempotencyConflict):
            await asked(job=replace(JOB, image_url="http://other"))
        together = await asyncio.gather(*(submit(queue, idempotency_key="k") for _ in range(5)))
        assert {task.task_id for task in together} == {first.task_id}
        await queue.finish(first.task_id, (await claim(queue)).attempt, VIDEO)
        assert (await submit(queue, idempotency_key="k")).state is SUCCEEDED
        with pytest.raises(IdempotencyConflict):
            await submit(queue, idempotency_key="k", job=replace(JOB, image_url="http://other"))
        other_key = await submit(queue, "berta", idempotency_key="k")
        other_text = await submit(queue, idempotency_key="K")
        assert len({first.task_id, other_key.task_id, other_text.task_id}) == 3

    run(repeat())


def test_a_waiting_task_is_canceled_at_once_and_only_once(queue, run, clock):
    async def cancel():
        task = await submit(queue)
        clock.now += 3
        assert await queue.cancel(task.task_id, key_group="all")
        canceled = await look(queue, task)
        assert (canceled.state, canceled.ended_at) == (CANCELED, START + 3)
        assert not await queue.cancel(task.task_id, key_group="all")
        assert not await queue.cancel(task.task_id, key_group="all", force=True)
        assert await queue.claim("worker", lease_s=LEASE_S) is None

    run(cancel())


def test_a_running_task_is_canceled_by_force_when_its_worker_stops(queue, run):
    async def cancel():
        task = await submit(queue)
        await claim(queue)
        assert not await queue.cancel(task.task_id, key_group="all")
        assert await queue.heartbeat(task.task_id, 1, lease_s=LEASE_S, stage=None, done=0)
        assert await queue.cancel(task.task_id, key_group="all", force=True)
        assert (await look(queue, task)).cancel_requested
        assert not await queue.heartbeat(task.task_id, 1, lease_s=LEASE_S, stage=None, done=0)
        assert not await queue.finish(task.task_id, 1, VIDEO)
        ended = await look(queue, task)
        assert (ended.state, ended.result) == (CANCELED, None)
        assert not ended.cancel_requested

    run(cancel())


@pytest.mark.parametrize("outcome", [BROKEN, BAD_INPUT, Released()])
def test_a_task_whose_end_was_asked_for_is_never_tried_again(queue, run, outcome):
    async def cancel():
        task = await submit(queue)
        await claim(queue)
        await queue.cancel(task.task_id, key_group="all", force=True)
        assert not await queue.finish(task.task_id, 1, outcome)
        assert (await look(queue, task)).state is CANCELED

    run(cancel())


def test_cancel_and_finish_at_once_leave_one_end_a_thousand_times(queue, run):
    async def race():
        tasks = await asyncio.gather(*(submit(queue) for _ in range(1000)))
        await asyncio.gather(*(claim(queue) for _ in tasks))
        calls = [("cancel", task) for task in tasks] + [("finish", task) for task in tasks]
        random.Random(5).shuffle(calls)
        answers = await asyncio.gather(
            *(
                queue.cancel(task.task_id, key_group="all", force=True)
                if what == "cancel"
                else queue.finish(task.task_id, 1, VIDEO)
                for what, task in calls
            )
        )
        won = {
            (what, task.task_id): answer
            for (what, task), answer in zip(calls, answers, strict=True)
        }
        ends = [await look(queue, task) for task in tasks]
        for end in ends:
            finished = won["finish", end.task_id]
            assert won["cancel", end.task_id] != finished
            assert end.state is (SUCCEEDED if finished else CANCELED)
            assert end.result == (VIDEO if finished else None)
        return {end.state for end in ends}

    assert run(race()) == {SUCCEEDED, CANCELED}


def test_an_input_at_fault_fails_at_once(queue, run):
    async def fail():
        task = await submit(queue)
        await claim(queue)
        assert await queue.finish(task.task_id, 1, BAD_INPUT)
        failed = await look(queue, task)
        assert failed.state is FAILED
        assert (failed.code, failed.message) == (BAD_INPUT.code, BAD_INPUT.message)

    run(fail())


def test_why_an_input_was_at_fault_is_kept_with_the_task(queue, run):
    why = Explanation(file="image", reason="no_face_found", sentence="没有脸 in it; 'one' wanted")

    async def fail():
        task = await submit(queue)
        assert task.explanation is None
        await claim(queue)
        assert await queue.finish(task.task_id, 1, replace(BAD_INPUT, explanation=why))
        assert (await look(queue, task)).explanation == why

    run(fail())


def test_a_worker_at_fault_is_forgiven_until_the_last_try(queue, run):
    async def fail():
        task = await submit(queue)
        for attempt in range(1, MAX_TRIES + 1):
            assert (await look(queue, task)).state is PENDING
            assert (await claim(queue)).attempt == attempt
            assert await queue.finish(task.task_id, attempt, BROKEN)
        failed = await look(queue, task)
        assert (failed.state, failed.code) == (FAILED, BROKEN.code)

    run(fail())


def test_a_released_task_waits_in_its_old_place_and_loses_no_try(queue, run):
    async def release():
        task = await submit(queue)
        await submit(queue)
        for attempt in range(1, 3 * MAX_TRIES):
            claimed = await claim(queue)
            assert (claimed.task_id, claimed.attempt) == (task.task_id, attempt)
            assert await queue.finish(task.task_id, attempt, Released())
        waiting = await look(queue, task)
        assert waiting.state is PENDING
        assert (waiting.scheduled_at, waiting.worker, waiting.done) == (None, None, 0)
        await claim(queue)
        assert await queue.finish(task.task_id, 3 * MAX_TRIES, BROKEN)
        assert (await look(queue, task)).state is PENDING

    run(release())


def test_what_an_older_attempt_says_is_not_heard(queue, run, clock):
    async def fence():
        task = await submit(queue)
        await claim(queue)
        clock.now += LEASE_S
        assert await queue.requeue_expired(clock.now) == (task.task_id,)
        assert not await queue.heartbeat(task.task_id, 1, lease_s=99, stage="x", done=1)
        assert not await queue.finish(task.task_id, 1, VIDEO)
        await claim(queue)
        before = await look(queue, task)
        assert not await queue.finish(task.task_id, 1, VIDEO)
        assert not await queue.heartbeat(task.task_id, 1, lease_s=99, stage="x", done=1)
        assert await look(queue, task) == before
        assert await queue.finish(task.task_id, 2, VIDEO)
        assert not await queue.heartbeat(task.task_id, 2, lease_s=99, stage="x", done=1)
        assert not await queue.finish(task.task_id, 2, BAD_INPUT)
        assert (await look(queue, task)).state is SUCCEEDED

    run(fence())


def test_a_heartbeat_keeps_the_lease(queue, run, clock):
    async def beat():
        task = await submit(queue)
        await claim(queue)
        clock.now += LEASE_S - 1
        assert await queue.heartbeat(task.task_id, 1, lease_s=LEASE_S, stage=None, done=0)
        clock.now += LEASE_S - 1
        assert await queue.requeue_expired(clock.now) == ()
        clock.now += 1
        assert await queue.requeue_expired(clock.now) == (task.task_id,)

    run(beat())


def test_a_task_that_breaks_every_worker_is_given_up(queue, run):
    async def give_up():
        task = await submit(queue)
        for _ in range(MAX_TRIES):
            await claim(queue)
            assert await queue.requeue_expired(math.inf) == (task.task_id,)
        end = await look(queue, task)
        assert (end.state, (end.code, end.message)) == (FAILED, GIVEN_UP)
        assert await queue.requeue_expired(math.inf) == ()

    run(give_up())


def test_a_lost_worker_completes_the_cancel_that_was_asked_for(queue, run):
    async def lose():
        task = await submit(queue)
        await claim(queue)
        await queue.cancel(task.task_id, key_group="all", force=True)
        await queue.requeue_expired(math.inf)
        assert (await look(queue, task)).state is CANCELED

    run(lose())


def test_what_waited_too_long_is_failed_and_nothing_else(queue, run, clock):
    async def wait():
        running = await submit(queue, "a")
        await claim(queue)
        old = [await submit(queue, key_id) for key_id in "abab"]
        clock.now += 10
        new = [await submit(queue, key_id) for key_id in "abc"]
        first = await queue.end_overdue(START + 10, BAD_INPUT, limit=3)
        then = await queue.end_overdue(START + 10, BAD_INPUT, limit=3)
        assert (len(first), len(then)) == (3, 1)
        assert {*first, *then} == {task.task_id for task in old}
        assert await queue.end_overdue(START + 10, BAD_INPUT) == ()
        for task in old:
            end = await look(queue, task)
            assert (end.state, end.ended_at, end.attempt) == (FAILED, START + 10, 0)
            assert (end.code, end.message) == (BAD_INPUT.code, BAD_INPUT.message)
        assert (await look(queue, running)).state is RUNNING
        assert [(await look(queue, task)).state for task in new] == [PENDING] * 3
        assert (await queue.counts())[PENDING] == 3

    run(wait())


def test_a_list_shows_the_newest_first_by_pages(queue, run, clock):
    async def pages():
        ids = []
        for _ in range(7):
            ids.append((await submit(queue)).task_id)
            clock.now += 1
        shown = []
        for page_no in (1, 2, 3, 4):
            page = await queue.list(TaskFilter(page_no=page_no, page_size=3), key_group="all")
            assert page.total == 7
            shown.append([task.task_id for task in page.tasks])
        assert shown == [ids[:3:-1], ids[3:0:-1], ids[:1], []]

    run(pages())


def test_a_list_is_narrowed_by_every_field(queue, run, clock):
    async def narrow():
        old = await submit(queue, "anna")
        clock.now += 10
        new = await submit(queue, "berta", job=replace(JOB, model="other"))
        await claim(queue)

        async def ids(**wanted):
            page = await queue.list(TaskFilter(**wanted), key_group="all")
            assert page.total == len(page.tasks)
            return [task.task_id for task in page.tasks]

        assert await ids() == [new.task_id, old.task_id]
        assert await ids(task_id=old.task_id) == [old.task_id]
        assert await ids(model="other") == [new.task_id]
        assert await ids(state=RUNNING) == [old.task_id]
        assert await ids(state=FAILED) == []
        assert await ids(key_id="berta") == [new.task_id]
        assert await ids(submitted_from=START + 10) == [new.task_id]
        assert await ids(submitted_to=START) == [old.task_id]
        assert await ids(submitted_from=START, submitted_to=START + 9.9) == [old.task_id]

    run(narrow())


def test_the_position_is_how_many_are_claimed_before(queue, run):
    async def positions():
        order = random.Random(7).choices("aaaabbc", k=30)
        tasks = [await submit(queue, key_id) for key_id in order]
        told = {task.task_id: await queue.position(task.task_id) for task in tasks}
        claimed = []
        for _ in tasks:
            task = await claim(queue)
            claimed.append(task.task_id)
            await queue.finish(task.task_id, 1, VIDEO)
        assert told == {task_id: place for place, task_id in enumerate(claimed)}
        assert await queue.position(claimed[0]) is None
        assert await queue.position("nobody's") is None

    run(positions())


def test_keys_that_have_their_share_are_passed_over(queue, run):
    async def share():
        await submit(queue, "anna")
        mine = await submit(queue, "berta")
        claimed = await queue.claim("worker", lease_s=LEASE_S, except_keys={"anna"})
        assert claimed.task_id == mine.task_id
        assert await queue.claim("worker", lease_s=LEASE_S, except_keys=["anna"]) is None
        assert (await claim(queue)).key_id == "anna"

    run(share())


def test_who_waits_for_work_wakes_when_there_may_be_some(queue, run, clock):
    async def wakes(change):
        waiting = asyncio.create_task(queue.wait_for_work(5.0))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await change
        async with asyncio.timeout(1.0):
            await waiting

    async def wait():
        started = time.monotonic()
        await queue.wait_for_work(0.05)
        assert 0.04 <= time.monotonic() - started < 1.0  # nothing came
        await wakes(submit(queue))
        task = await claim(queue)
        await wakes(queue.finish(task.task_id, 1, Released()))
        await claim(queue)
        await wakes(queue.requeue_expired(math.inf))
        await submit(queue)
        async with asyncio.timeout(1.0):  # what came before is not missed
            await queue.wait_for_work(5.0)

    run(wait())


def test_what_ended_long_ago_is_given_once_and_forgotten(queue, run, clock):
    async def forget():
        ended = []
        for _ in range(5):
            task = await submit(queue, idempotency_key=str(len(ended)))
            await claim(queue)
            await queue.finish(task.task_id, 1, VIDEO)
            ended.append(task.task_id)
            clock.now += 10
        waiting = await submit(queue)
        first = await queue.remove_ended(START + 40, limit=3)
        then = await queue.remove_ended(START + 40, limit=3)
        assert [task.task_id for task in first + then] == ended[:4]
        assert all(task.result == VIDEO for task in first + then)
        assert await queue.remove_ended(START + 40) == ()
        assert await queue.get(ended[0], key_group="all") is None
        page = await queue.list(TaskFilter(), key_group="all")
        assert [task.task_id for task in page.tasks] == [waiting.task_id, ended[4]]
        assert (await submit(queue, idempotency_key="0")).task_id != ended[0]

    run(forget())


def test_counts_tell_every_state(queue, run):
    async def count():
        assert await queue.counts() == dict.fromkeys(TaskState, 0)
        for key_id in "aabbcc":
            await submit(queue, key_id)
        for outcome in (VIDEO, BAD_INPUT, BROKEN):
            task = await claim(queue)
            await queue.finish(task.task_id, task.attempt, outcome)
        await queue.cancel((await submit(queue)).task_id, key_group="all")
        await claim(queue)
        assert await queue.counts() == {
            PENDING: 3,
            RUNNING: 1,
            SUCCEEDED: 1,
            FAILED: 1,
            CANCELED: 1,
        }

    run(count())


def test_characters_of_texts_are_summed_by_key_and_time_once_for_each_attempt(queue, run, clock):
    def saying(text):
        return replace(JOB, audio_url="", parameters={"seed": 1, "text": text})

    async def speak():
        spoken = partial(queue.spoken_characters, key_group="all")
        first = await submit(queue, "a", job=saying("中文"))
        await submit(queue, "a", job=replace(JOB, parameters={"transcript": 'a "text": of 20'}))
        assert await spoken(key_id="a", since=START) == 2
        assert await spoken(key_id="nobody", since=START) == 0
        task = await claim(queue)
        await queue.finish(task.task_id, 1, Failure(code="c", message="m", retry=True))
        task = await claim(queue)
        assert (task.task_id, task.attempt) == (first.task_id, 2)
        await submit(queue, "b", job=saying("another key's"))
        assert await spoken(key_id="a", since=START) == 4
        clock.now += 10
        gone = await submit(queue, "a", job=saying("cancelled before it was said"))
        assert await spoken(key_id="a", since=START) == 32
        assert await queue.cancel(gone.task_id, key_group="all", force=False)
        assert await spoken(key_id="a", since=START) == 4
        assert await spoken(key_id="a", since=START + 1) == 0

    run(speak())


def test_seconds_of_video_are_summed_by_key_and_time(queue, run, clock):
    async def render():
        for key_id, duration_s in (("a", 2.5), ("b", 100.0), ("a", 4.0)):
            task = await submit(queue, key_id)
            await claim(queue)
            await queue.finish(task.task_id, 1, Result(video_name="v.mp4", duration_s=duration_s))
            clock.now += 10
        assert await queue.rendered_s(key_id="a", since=START) == 6.5
        assert await queue.rendered_s(key_id="a", since=START + 1) == 4.0
        assert await queue.rendered_s(key_id="nobody", since=0) == 0.0
        # Also where the same was asked a moment before.
        task = await submit(queue, "a")
        await claim(queue)
        assert await queue.rendered_s(key_id="a", since=START) == 6.5
        await queue.finish(task.task_id, 1, Result(video_name="v.mp4", duration_s=1.0))
        assert await queue.rendered_s(key_id="a", since=START) == 7.5
        assert await queue.rendered_s(key_id="a", since=START + 11) == 5.0

    run(render())


def test_everything_is_there_after_closing_and_opening(make_queue, run, clock):
    async def write(queue):
        kept = [await submit(queue, key_id) for key_id in "abc"]
        done, running = await claim(queue), await claim(queue)
        await queue.heartbeat(running.task_id, 1, lease_s=LEASE_S, stage="face", done=0.5)
        await queue.finish(done.task_id, 1, VIDEO)
        seen = [await look(queue, task) for task in kept]
        await queue.close()
        return seen

    async def read(queue, tasks):
        seen = [await look(queue, task) for task in tasks]
        counts = await queue.counts()
        await queue.close()
        return seen, counts

    before = run(write(make_queue(clock=clock)))
    after, counts = run(read(make_queue(clock=clock), before))
    assert after == before
    assert (counts[PENDING], counts[RUNNING], counts[SUCCEEDED]) == (1, 1, 1)


@dataclass
class Remembered:
    """A task as the model below expects it."""

    key_id: str
    submitted_at: float
    state: TaskState = PENDING
    attempt: int = 0
    tries: int = 0
    lease_until: float = 0.0
    ended_at: float = 0.0
    cancel_requested: bool = False


@dataclass
class Model:
    """A queue of a few lines: what is true of tasks, without order, time or disk."""

    tasks: dict[str, Remembered] = field(default_factory=dict)

    def of(self, *states: TaskState) -> dict[str, Remembered]:
        return {name: task for name, task in self.tasks.items() if task.state in states}

    def end(self, task: Remembered, state: TaskState, now: float) -> None:
        task.state, task.ended_at, task.cancel_requested = state, now, False

    def stop(self, task: Remembered, now: float, *, otherwise: TaskState) -> None:
        """The attempt is over without a video."""
        if task.cancel_requested:
            self.end(task, CANCELED, now)
        elif otherwise is PENDING:
            task.state = PENDING
        else:
            self.end(task, otherwise, now)


class QueueMachine(RuleBasedStateMachine):
    """Any order of calls, by any number of workers, some of which are late: as the model says."""

    open_queue: Callable[..., TaskQueue]

    attempts = Bundle("attempts")
    keys = st.sampled_from("abc")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.model = Model()
        self.queue = self.opened()

    def opened(self) -> TaskQueue:
        return type(self).open_queue(Path(self.folder.name), clock=self.clock)

    def run(self, coroutine):
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        self.run(self.queue.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(key_id=keys)
    def submit(self, key_id) -> None:
        task = self.run(submit(self.queue, key_id))
        self.model.tasks[task.task_id] = Remembered(key_id, self.clock.now)

    @rule(target=attempts)
    def claim(self):
        waiting = self.model.of(PENDING)
        task = self.run(self.queue.claim("worker", lease_s=LEASE_S))
        if not waiting:
            assert task is None
            return ("nobody's", 1)
        assert task is not None
        known = waiting[task.task_id]
        own = [name for name, other in waiting.items() if other.key_id == known.key_id]
        assert task.task_id == own[0]  # dicts keep the order of submission
        running = [other.key_id for other in self.model.of(RUNNING).values()]
        fewest = min(running.count(other.key_id) for other in waiting.values())
        assert running.count(known.key_id) == fewest
        known.state = RUNNING
        known.attempt += 1
        known.tries += 1
        known.lease_until = self.clock.now + LEASE_S
        assert task.attempt == known.attempt
        return (task.task_id, task.attempt)

    def owner(self, name, attempt) -> Remembered | None:
        task = self.model.tasks.get(name)
        return task if task and task.state is RUNNING and task.attempt == attempt else None

    @rule(claimed=attempts, done=st.floats(0, 1))
    def heartbeat(self, claimed, done) -> None:
        task = self.owner(*claimed)
        heard = self.run(self.queue.heartbeat(*claimed, lease_s=LEASE_S, stage="s", done=done))
        assert heard == (task is not None and not task.cancel_requested)
        if task and heard:
            task.lease_until = self.clock.now + LEASE_S

    @rule(claimed=attempts, outcome=st.sampled_from([VIDEO, BROKEN, BAD_INPUT, Released()]))
    def finish(self, claimed, outcome) -> None:
        task = self.owner(*claimed)
        taken = self.run(self.queue.finish(*claimed, outcome))
        assert taken == (task is not None and not task.cancel_requested)
        if task is None:
            return
        if outcome == VIDEO:
            self.model.stop(task, self.clock.now, otherwise=SUCCEEDED)
        elif outcome == BAD_INPUT or (outcome == BROKEN and task.tries == MAX_TRIES):
            self.model.stop(task, self.clock.now, otherwise=FAILED)
        else:
            task.tries -= outcome == Released()
            self.model.stop(task, self.clock.now, otherwise=PENDING)

    @rule(data=st.data(), force=st.booleans())
    def cancel(self, data, force) -> None:
        if not self.model.tasks:
            return
        name = data.draw(st.sampled_from(list(self.model.tasks)))
        task = self.model.tasks[name]
        canceled = self.run(self.queue.cancel(name, key_group="all", force=force))
        assert canceled == (task.state is PENDING or (task.state is RUNNING and force))
        if task.state is PENDING:
            self.model.end(task, CANCELED, self.clock.now)
        elif canceled:
            task.cancel_requested = True

    @rule()
    def server_restarts(self) -> None:
        self.run(self.queue.close())
        self.queue = self.opened()

    @rule(passed_s=st.floats(0, 2 * LEASE_S))
    def time_passes(self, passed_s) -> None:
        self.clock.now += passed_s

    @rule()
    def requeue_expired(self) -> None:
        lost = self.run(self.queue.requeue_expired(self.clock.now))
        running = self.model.of(RUNNING)
        expired = {n: t for n, t in running.items() if t.lease_until <= self.clock.now}
        assert set(lost) == set(expired)
        for task in expired.values():
            given_up = FAILED if task.tries == MAX_TRIES else PENDING
            self.model.stop(task, self.clock.now, otherwise=given_up)

    @rule(age_s=st.floats(0, 3 * LEASE_S))
    def end_overdue(self, age_s) -> None:
        before = self.clock.now - age_s
        ended = self.run(self.queue.end_overdue(before, BAD_INPUT))
        waiting = self.model.of(PENDING)
        overdue = {name: task for name, task in waiting.items() if task.submitted_at < before}
        assert set(ended) == set(overdue)
        for task in overdue.values():
            self.model.end(task, FAILED, self.clock.now)

    @rule(age_s=st.floats(0, 3 * LEASE_S))
    def remove_ended(self, age_s) -> None:
        before = self.clock.now - age_s
        removed = self.run(self.queue.remove_ended(before))
        ended = self.model.of(SUCCEEDED, FAILED, CANCELED)
        old = {name for name, task in ended.items() if task.ended_at < before}
        assert {task.task_id for task in removed} == old
        for name in old:
            del self.model.tasks[name]

    @rule(forgotten=consumes(attempts))
    def worker_dies(self, forgotten) -> None:
        """Nobody will ever speak for this attempt again."""

    @invariant()
    def every_task_is_as_the_model_says(self) -> None:
        page = self.run(self.queue.list(TaskFilter(page_size=1000), key_group="all"))
        seen = {
            task.task_id: (task.state, task.attempt, task.cancel_requested) for task in page.tasks
        }
        assert seen == {
            name: (task.state, task.attempt, task.cancel_requested)
            for name, task in self.model.tasks.items()
        }
        counts = self.run(self.queue.counts())
        assert counts == {state: len(self.model.of(state)) for state in TaskState}


@pytest.mark.parametrize("name", QUEUES)
def test_any_order_of_calls_does_what_the_contract_says(name):
    class Machine(QueueMachine):
        open_queue = staticmethod(QUEUES[name])

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
