"""Notices are delivered, tried again in time and given up at last, whatever receivers do."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest
from standardwebhooks import Webhook as Verifier

from portravox.service.errors import QueueUnavailable
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.tasks.outbox import (
    DeliveryFilter,
    DeliveryState,
    NoticeFormat,
    Webhook,
)
from portravox.service.tasks.queue import Job
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.webhooks import deliver
from portravox.service.webhooks.deliver import LEASE_S, RETRY_AFTER_S, SPREAD, Deliverer
from portravox.service.webhooks.post import WebhookSender
from portravox.service.webhooks.sign import webhook_secrets
from tests.service.webhooks.conftest import ACCOUNT, SIGNING

JOB = Job(
    model="liveportrait",
    image_url="http://h/p",
    audio_url="http://h/v",
    parameters={},
    resolve_oss=False,
)
TASK_LIFE_S = 24 * 3600.0


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Receiver:
    """Answers by a script; the last answer stays. An exception is a fault of ours."""

    script: list[int | Exception | None]
    heard: list[tuple[str, float]] = field(default_factory=list)
    """Task and moment of each attempt."""

    def __call__(self, delivery, task, at):
        self.heard.append((task.task_id, at))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock():
    return Clock()


async def ended_task(queue, url="http://shop.example/", key="anna"):
    hook = Webhook(url=url, format=NoticeFormat.STANDARD)
    task = await queue.submit(JOB, key_id=key, key_group="all", request_id="r", webhooks=(hook,))
    await queue.cancel(task.task_id, key_group="all")
    return task


async def shown(queue):
    page = await queue.outbox.list(DeliveryFilter(), key_group="all")
    return page.deliveries


async def until(condition):
    async with asyncio.timeout(5):
        while not await condition():
            await asyncio.sleep(0.005)


def all_ended(queue):
    async def condition():
        return all(delivery.ended_at is not None for delivery in await shown(queue))

    return condition


def settled(queue, tries):
    """So many attempts were made, and what came of the last one is known."""

    async def condition():
        [delivery] = await shown(queue)
        return len(delivery.attempts) == tries

    return condition


@pytest.fixture
def play(tmp_path, clock):
    """Runs a scene with an open queue and a deliverer to a receiver."""

    async def play(receiver, scene):
        queue = SqliteTaskQueue(tmp_path / "tasks.db", clock=clock)
        deliverer = Deliverer(queue.outbox, receiver, clock=clock, look_s=0.005)
        deliverer.start()
        try:
            await scene(queue)
        finally:
            await deliverer.stop()
            await queue.close()

    return play


async def test_a_receiver_that_fails_twice_has_it_the_third_time(play, clock):
    receiver = Receiver([500, None, 200])

    async def scene(queue):
        await ended_task(queue)
        for tries, pause_s in ((1, RETRY_AFTER_S[0]), (2, RETRY_AFTER_S[1])):
            await until(settled(queue, tries))
            clock.now += pause_s * (1 + SPREAD)
        await until(all_ended(queue))
        [delivery] = await shown(queue)
        assert delivery.state is DeliveryState.DELIVERED
        assert [attempt.status for attempt in delivery.attempts] == [500, None, 200]

    await play(receiver, scene)
    assert len(receiver.heard) == 3


async def test_it_is_given_up_before_the_task_is_forgotten(play, clock):
    receiver = Receiver([503])

    async def scene(queue):
        began = clock.now
        await ended_task(queue)
        for tries, pause_s in enumerate(RETRY_AFTER_S, start=1):
            await until(settled(queue, tries))
            [delivery] = await shown(queue)
            spread_s = SPREAD * pause_s
            assert abs(delivery.next_at - clock.now - pause_s) <= spread_s
            clock.now = delivery.next_at
        await until(all_ended(queue))
        [delivery] = await shown(queue)
        assert delivery.state is DeliveryState.GIVEN_UP
        assert len(delivery.attempts) == len(RETRY_AFTER_S) + 1
        assert 12 * 3600 < delivery.ended_at - began < TASK_LIFE_S

    await play(receiver, scene)
    assert (1 + SPREAD) * sum(RETRY_AFTER_S) < TASK_LIFE_S


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, DeliveryState.DELIVERED), (202, DeliveryState.DELIVERED), (410, DeliveryState.GIVEN_UP)],
)
async def test_some_answers_end_it_at_once(play, status, state):
    receiver = Receiver([status])

    async def scene(queue):
        await ended_task(queue)
        await until(all_ended(queue))
        assert [delivery.state for delivery in await shown(queue)] == [state]

    await play(receiver, scene)
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("status", [301, 400, 404, None, RuntimeError("ours")])
async def test_others_do_not(play, status, caplog):
    async def scene(queue):
        await ended_task(queue)
        await until(settled(queue, 1))
        [delivery] = await shown(queue)
        assert delivery.state is DeliveryState.DUE

    await play(Receiver([status]), scene)


async def test_a_slow_receiver_delays_only_its_own_key(play):
    release = threading.Event()
    heard = []

    def receiver(delivery, task, at):
        heard.append(delivery.key_id)
        if delivery.key_id == "slow":
            release.wait(5)
        return 200

    async def scene(queue):
        for _ in range(10):
            await ended_task(queue, key="slow")
        for _ in range(6):
            await ended_task(queue, key="quick")

        async def quick_ones_are_through():
            return heard.count("quick") == 6

        await until(quick_ones_are_through)
        assert heard.count("slow") <= 2
        release.set()
        await until(all_ended(queue))

    await play(receiver, scene)
    assert len(heard) == 16


async def test_an_attempt_that_a_killed_server_left_is_made_again(tmp_path, play, clock):
    queue = SqliteTaskQueue(tmp_path / "tasks.db", clock=clock)
    await ended_task(queue)
    [_] = await queue.outbox.claim(limit=1, lease_s=LEASE_S)
    await queue.close()
    receiver = Receiver([200])
    clock.now += LEASE_S

    async def scene(queue):
        await until(all_ended(queue))

    await play(receiver, scene)
    assert len(receiver.heard) == 1


async def test_an_attempt_under_way_is_recorded_before_the_server_stops(tmp_path, play, clock):
    began = threading.Event()

    def receiver(delivery, task, at):
        began.set()
        time.sleep(0.1)
        return 200

    async def scene(queue):
        await ended_task(queue)
        await asyncio.to_thread(began.wait, 5)

    await play(receiver, scene)
    queue = SqliteTaskQueue(tmp_path / "tasks.db", clock=clock)
    [delivery] = await shown(queue)
    await queue.close()
    assert delivery.state is DeliveryState.DELIVERED


async def test_a_table_that_fails_for_a_while_stops_nothing(play, monkeypatch, caplog):
    async def scene(queue):
        claim = queue.outbox.claim
        failing = [QueueUnavailable("disk full"), RuntimeError("a fault of ours")]

        async def claim_or_fail(**options):
            if failing:
                raise failing.pop()
            return await claim(**options)

        monkeypatch.setattr(queue.outbox, "claim", claim_or_fail)
        await ended_task(queue)
        await until(all_ended(queue))

    await play(Receiver([200]), scene)
    assert "after a pause" in caplog.text


async def test_over_a_real_line_to_a_receiver_that_fails_twice(tmp_path, monkeypatch):
    """Everything together, with real sockets: what arrives is signed and the same each time."""
    monkeypatch.setattr(deliver, "RETRY_AFTER_S", (0.01, 0.01))
    heard: list[tuple[dict[str, str], bytes]] = []

    class Shop(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers), body))
            self.send_response(500 if len(heard) < 3 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    async def scene(port):
        queue = SqliteTaskQueue(tmp_path / "tasks.db")
        policy = AddressPolicy((ip_network("127.0.0.0/8"),))
        sender = WebhookSender(signing=SIGNING, account=ACCOUNT, policy=policy)
        deliverer = Deliverer(queue.outbox, sender.post, look_s=0.005)
        deliverer.start()
        try:
            task = await ended_task(queue, f"http://127.0.0.1:{port}/hook", key="3")
            await until(all_ended(queue))
            return task
        finally:
            await deliverer.stop()
            await queue.close()

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as shop:
        thread = threading.Thread(target=shop.serve_forever, args=(0.01,))
        thread.start()
        try:
            task = await scene(shop.server_address[1])
        finally:
            shop.shutdown()
            thread.join()
    assert len(heard) == 3
    assert len({body for _, body in heard}) == 1
    for headers, body in heard:
        notice = Verifier(webhook_secrets(SIGNING, "3")[0]).verify(body, headers)
        assert notice["type"] == "task.canceled"
        assert notice["data"]["task_id"] == task.task_id
