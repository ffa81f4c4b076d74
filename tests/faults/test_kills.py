"""kill -9 of the child and of the server at every step: no promise is broken, no task hangs."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import httpx
import pytest

from tests.faults.saboteur import ODD_LINES
from tests.faults.world import Ledger, Rounds, World
from tests.live import Live

pytestmark = pytest.mark.slow

CHILD_STEPS = ("claimed", "download", "read", "face", "listen", "render", "finish")
SERVER_STEPS = ("claimed", "download", "render", "finish", "publishing", "published")
COMMIT_STEPS = ("committing", "committed", "answering")

READY_S = 3.0

CLIENTS = 4
"""That submit at the same time while the server dies."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, files: str) -> Iterator[tuple[World, Live]]:
    """A server that outlives whatever becomes of its processes."""
    world = World(tmp_path_factory.mktemp("served"), files)
    with world.server() as server:
        yield world, server


def test_a_child_killed_at_any_step_costs_one_attempt(
    served: tuple[World, Live], rounds: Rounds, ledger: Ledger
) -> None:
    world, server = served
    steps = CHILD_STEPS if rounds.many else ("render",)
    killed: Counter[str] = Counter()
    for step in rounds.of(*steps, share=0.35):
        world.plan(f"child:{step}")
        assert world.end(world.submit())["task_status"] == "SUCCEEDED"
        assert world.has_happened
        killed[step] += 1
    assert server.process.poll() is None
    world.require_one_video_each()
    for step, times in killed.items():
        ledger.add(f"kill -9 of the child: {step}", times, times, f"{times} SUCCEEDED")


def test_an_odd_line_of_a_process_costs_one_attempt_and_shifts_no_answer(
    served: tuple[World, Live], rounds: Rounds, ledger: Ledger
) -> None:
    world, server = served
    names = tuple(ODD_LINES) if rounds.many else ("hello", "70kB")
    for name in names:
        world.plan(f"odd:{name}")
        met, next_one = world.submit(), world.submit()
        assert world.end(met)["task_status"] == "SUCCEEDED"
        assert world.end(next_one)["task_status"] == "SUCCEEDED"
        assert world.has_happened
        assert world.is_ready()
    assert server.process.poll() is None
    world.require_one_video_each()
    ledger.add(
        f"a process says something odd ({', '.join(names)})",
        len(names),
        2 * len(names),
        f"{2 * len(names)} SUCCEEDED, the next task's video its own",
    )


def test_a_server_killed_at_any_step_of_a_task_goes_on_with_it(
    tmp_path: Path, files: str, rounds: Rounds, ledger: Ledger
) -> None:
    world = World(tmp_path, files)
    steps = SERVER_STEPS if rounds.many else ("published",)
    killed: Counter[str] = Counter()
    for step in rounds.of(*steps, share=0.4):
        with world.server() as server:
            world.require_success()
            world.plan(f"server:{step}")
            world.submit()
            assert server.process.wait(60) == -signal.SIGKILL
        assert world.has_happened
        killed[step] += 1
    with world.server():
        world.require_one_video_each()
    for step, times in killed.items():
        ledger.add(f"kill -9 of the server: {step}", times, times, f"{times} SUCCEEDED")
    require_quick_restarts(world, ledger, "kill -9 of the server at a step")


def test_a_server_killed_around_commits_and_answers_keeps_what_it_promised(
    tmp_path: Path, files: str, rounds: Rounds, ledger: Ledger
) -> None:
    world = World(tmp_path, files)
    chance = random.Random(1)
    killed: Counter[str] = Counter()
    promised: Counter[str] = Counter()
    cut: Counter[str] = Counter()

    def submit(_: int) -> bool:
        try:
            world.submit()
        except httpx.HTTPError:
            return False
        return True

    steps = COMMIT_STEPS if rounds.many else ("committed",)
    for step in rounds.of(*steps, share=0.25):
        with world.server() as server, ThreadPoolExecutor(CLIENTS) as clients:
            world.require_success()
            world.plan(f"server:{step}", count=chance.randint(1, CLIENTS))
            while server.process.poll() is None:
                answered = list(clients.map(submit, range(CLIENTS)))
                promised[step] += answered.count(True)
                cut[step] += answered.count(False)
            assert server.process.wait(10) == -signal.SIGKILL
        assert world.has_happened
        killed[step] += 1
    with world.server():
        world.require_one_video_each()
    for step, times in killed.items():
        ends = f"{promised[step]} SUCCEEDED; {cut[step]} without an answer"
        ledger.add(f"kill -9 of the server: {step}", times, promised[step] + cut[step], ends)
    require_quick_restarts(world, ledger, "kill -9 of the server at a commit or an answer")


def require_quick_restarts(world: World, ledger: Ledger, fault: str) -> None:
    """The median, against the first start where the machine is busy with something else."""
    again_s = world.restarts_s[1:]
    slowest = f"ready again in {median(again_s):.2f} s (median; slowest {max(again_s):.2f} s)"
    ledger.add(fault, len(again_s), len(world.accepted), slowest)
    assert median(again_s) <= max(READY_S, 2 * world.restarts_s[0])
