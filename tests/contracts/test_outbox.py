"""What every outbox promises, whatever keeps it.

Each test runs on the outbox of each queue in QUEUES; a new one is added there, as a function from
a folder and a clock to an open queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portravox.service.tasks.outbox import (
    OPERATOR_TENANT,
    PER_TENANT,
    DeliveryAttempt,
    DeliveryFilter,
    DeliveryState,
    NoticeFormat,
    Webhook,
)
from portravox.service.tasks.queue import Failure, Job, Result, Task, TaskQueue
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.tasks.states import TaskState
from tests.postgres import database_of


def postgres_queue(folder: Path, clock: Callable[[], float]) -> TaskQueue:
    """On the run's own PostgreSQL; skips where there can be none."""
    url = database_of(folder)
    from portravox.service.database.database import Database
    from portravox.service.tasks.postgres import PostgresTaskQueue

    return PostgresTaskQueue(Database(url), clock=clock)


QUEUES: dict[str, Callable[[Path, Callable[[], float]], TaskQueue]] = {
    "sqlite": lambda folder, clock: SqliteTaskQueue(folder / "tasks.db", clock=clock),
    "postgres": postgres_queue,
}

START = 1_800_000_000.0
LEASE_S = 60.0
JOB = Job(
    model="liveportrait",
    image_url="http://h/p",
    audio_url="http://h/v",
    parameters={},
    resolve_oss=False,
)
HOOK = Webhook(url="https://shop.example/hook?token=a'b", format=NoticeFormat.STANDARD)
OPERATORS = Webhook(url="http://10.0.0.1/bus", format=NoticeFormat.CLOUDEVENTS, by_operator=True)
VIDEO = Result(video_name="a.mp4", duration_s=2.75)
BROKEN = Failure(code="InternalError.Algo", message="broken")


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def run():
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(params=QUEUES)
def make_queue(request, tmp_path, clock):
    return lambda: QUEUES[request.param](tmp_path, clock)


@pytest.fixture
def queue(make_queue, run):
    opened = make_queue()
    yield opened
    run(opened.close())


async def submit(queue: TaskQueue, *webhooks: Webhook, key: str = "anna", **options: Any) -> Task:
    return await queue.submit(
        JOB,
        key_id=key,
        key_group=options.pop("group", "all"),
        request_id="r",
        webhooks=webhooks,
        **options,
    )


async def ended(queue: TaskQueue, *webhooks: Webhook, **options: Any) -> Task:
    task = await submit(queue, *webhooks, **options)
    assert await queue.cancel(task.task_id, key_group=task.key_group)
    return task


async def claim(queue: TaskQueue, **options: Any) -> list[Any]:
    claimed = await queue.outbox.claim(
        limit=options.pop("limit", 10), lease_s=options.pop("lease_s", LEASE_S), **options
    )
    return [delivery for delivery, _ in claimed]


async def the_list(queue: TaskQueue, group: str = "all", **wanted: Any) -> list[Any]:
    page = await queue.outbox.list(DeliveryFilter(**wanted), key_group=group)
    return list(page.deliveries)


def test_nothing_is_due_before_the_task_has_ended(queue, run, clock):
    async def life():
        task = await submit(queue, HOOK)
        assert await claim(queue) == []
        running = await queue.claim("worker", lease_s=30.0)
        assert await claim(queue) == []
        [waiting] = await the_list(queue)
        assert (waiting.state, waiting.next_at) == (DeliveryState.WAITING, None)
        clock.now += 7
        await queue.finish(task.task_id, running.attempt, VIDEO)
        [(delivery, about)] = await queue.outbox.claim(limit=10, lease_s=LEASE_S)
        assert (delivery.task_id, delivery.webhook, delivery.tries) == (task.task_id, HOOK, 1)
        assert delivery.next_at == START + 7 + LEASE_S
        assert about.state is TaskState.SUCCEEDED
        assert about.result == VIDEO

    run(life())


@pytest.mark.parametrize("end", ["success", "failure", "cancel", "forced cancel", "given up"])
def test_every_end_is_told(queue, run, end):
    async def life():
        task = await submit(queue, HOOK)
        if end == "cancel":
            await queue.cancel(task.task_id, key_group="all")
        elif end == "given up":
            while await queue.claim("worker", lease_s=1.0):
                await queue.requeue_expired(float("inf"))
        else:
            running = await queue.claim("worker", lease_s=30.0)
            if end == "forced cancel":
                await queue.cancel(task.task_id, key_group="all", force=True)
            outcome = BROKEN if end == "failure" else VIDEO
            await queue.finish(task.task_id, running.attempt, outcome)
        [delivery] = await claim(queue)
        assert delivery.task_id == task.task_id

    run(life())


def test_a_task_that_is_tried_again_has_not_ended(queue, run):
    async def life():
        task = await submit(queue, HOOK)
        running = await queue.claim("worker", lease_s=30.0)
        again = Failure(code="c", message="m", retry=True)
        assert await queue.finish(task.task_id, running.attempt, again)
        assert await claim(queue) == []

    run(life())


def test_a_task_without_webhooks_tells_nobody(queue, run):
    async def life():
        await ended(queue)
        assert await claim(queue) == []
        assert await the_list(queue) == []

    run(life())


def test_an_attempt_is_one_claimers_until_its_lease_runs_out(queue, run, clock):
    async def life():
        await ended(queue, HOOK)
        [first] = await claim(queue)
        clock.now += LEASE_S - 1
        assert await claim(queue) == []
        clock.now += 1
        [second] = await claim(queue)
        assert (second.delivery_id, second.tries) == (first.delivery_id, 2)
        late = DeliveryAttempt(at=clock.now, status=200)
        assert not await queue.outbox.record(first, late, retry_at=None)
        assert await queue.outbox.record(second, late, retry_at=None)

    run(life())


def test_what_was_delivered_is_not_due_again(queue, run, clock):
    async def life():
        await ended(queue, HOOK)
        [delivery] = await claim(queue)
        done = DeliveryAttempt(at=clock.now, status=204)
        assert await queue.outbox.record(delivery, done, retry_at=None)
        assert not await queue.outbox.record(delivery, done, retry_at=None)
        clock.now += 1e6
        assert await claim(queue) == []
        [kept] = await the_list(queue)
        assert (kept.state, kept.ended_at) == (DeliveryState.DELIVERED, done.at)
        assert kept.attempts == (done,)

    run(life())


def test_a_failed_attempt_is_due_again_when_it_was_to_be(queue, run, clock):
    async def life():
        await ended(queue, HOOK)
        [delivery] = await claim(queue)
        failed = DeliveryAttempt(at=clock.now, status=None)
        await queue.outbox.record(delivery, failed, retry_at=clock.now + 5)
        clock.now += 4.9
        assert await claim(queue) == []
        clock.now += 0.1
        [again] = await claim(queue)
        assert (again.tries, again.attempts) == (2, (failed,))
        refused = DeliveryAttempt(at=clock.now, status=500)
        await queue.outbox.record(again, refused, retry_at=None)
        [kept] = await the_list(queue)
        assert kept.state is DeliveryState.GIVEN_UP
        assert kept.attempts == (failed, refused)

    run(life())


def test_no_tenant_takes_the_place_of_others(queue, run, clock):
    async def life():
        for _ in range(20):
            await ended(queue, HOOK, key="anna")
        clock.now += 1
        await ended(queue, HOOK, OPERATORS, key="bela")
        tenants = [delivery.tenant for delivery in await claim(queue)]
        assert sorted(tenants) == sorted(["anna"] * PER_TENANT + ["bela", OPERATOR_TENANT])
        busy = frozenset({"anna"})
        assert await claim(queue, busy=busy) == []
        assert len(await claim(queue, limit=1)) == 1

    run(life())


def test_lists_show_a_groups_own_and_never_the_operators(queue, run):
    async def life():
        first = await submit(queue, HOOK, OPERATORS)
        second = await submit(queue, HOOK)
        await submit(queue, HOOK, group="others")
        shown = await the_list(queue)
        assert [delivery.task_id for delivery in shown] == [second.task_id, first.task_id]
        assert await the_list(queue, task_id=first.task_id) == [shown[1]]
        assert await the_list(queue, page_no=2, page_size=1) == [shown[1]]
        page = await queue.outbox.list(DeliveryFilter(page_size=1), key_group="all")
        assert page.total == 2
        assert await the_list(queue, group="nobody") == []

    run(life())


def test_a_repeated_submission_registers_nothing_more(queue, run):
    async def life():
        for _ in range(2):
            await submit(queue, HOOK, idempotency_key="one")
        assert len(await the_list(queue)) == 1

    run(life())


def test_notices_are_forgotten_with_their_task(queue, run, clock):
    async def life():
        await ended(queue, HOOK, OPERATORS)
        kept = await submit(queue, HOOK)
        for delivery in await claim(queue):
            attempt = DeliveryAttempt(at=clock.now, status=500)
            await queue.outbox.record(delivery, attempt, retry_at=clock.now)
        clock.now += 10
        [_] = await queue.remove_ended(clock.now)
        assert await claim(queue) == []
        assert [delivery.task_id for delivery in await the_list(queue)] == [kept.task_id]

    run(life())


def test_notices_outlive_the_server(make_queue, run, clock):
    async def life():
        queue = make_queue()
        await ended(queue, HOOK)
        [lost] = await claim(queue)
        await queue.close()
        clock.now += LEASE_S
        queue = make_queue()
        [again] = await claim(queue)
        assert again.delivery_id == lost.delivery_id
        await queue.close()

    run(life())
