"""One key never has all of what there is little of, and those that wait take turns."""

from __future__ import annotations

import asyncio

from portravox.service.worker.fair import FairTurns, Shares


class Crowd:
    """Calls that take turns and end when they are told to."""

    def __init__(self, turns: FairTurns) -> None:
        self._turns = turns
        self.begun: list[str] = []
        self._ends: dict[str, list[asyncio.Event]] = {}
        self.calls: list[asyncio.Task[None]] = []

    async def call(self, key: str) -> asyncio.Task[None]:
        call = asyncio.create_task(self._call(key))
        self.calls.append(call)
        await asyncio.sleep(0)
        return call

    async def _call(self, key: str) -> None:
        end = asyncio.Event()
        async with self._turns.turn(key):
            self.begun.append(key)
            self._ends.setdefault(key, []).append(end)
            await end.wait()

    async def end(self, key: str) -> None:
        self._ends[key].pop(0).set()
        for _ in range(4):
            await asyncio.sleep(0)


async def test_a_key_that_waits_a_thousand_times_delays_another_by_one_turn() -> None:
    async with asyncio.timeout(5.0):
        crowd = Crowd(FairTurns(1))
        for key in "a" * 1000 + "b":
            await crowd.call(key)
        await crowd.end("a")
        assert crowd.begun == ["a", "b"]
        await crowd.end("b")
        assert crowd.begun == ["a", "b", "a"]
        for call in crowd.calls:
            call.cancel()
        await asyncio.gather(*crowd.calls, return_exceptions=True)


async def test_one_key_has_its_share_and_the_rest_stays_free_for_others() -> None:
    async with asyncio.timeout(5.0):
        turns = FairTurns(4, per_key=2)
        crowd = Crowd(turns)
        for key in "aaaaab":
            await crowd.call(key)
        assert crowd.begun == ["a", "a", "b"]
        assert (turns.under_way, turns.waiting) == (3, 3)
        for call in crowd.calls:
            call.cancel()
        await asyncio.gather(*crowd.calls, return_exceptions=True)
        assert (turns.under_way, turns.waiting) == (0, 0)


async def test_waiting_keys_take_turns_and_within_a_key_who_came_first_comes_first() -> None:
    async with asyncio.timeout(5.0):
        turns = FairTurns(1)
        begun: list[int] = []

        async def call(number: int) -> None:
            async with turns.turn("abc"[number % 3]):
                begun.append(number)

        async with turns.turn("z"):
            calls = [asyncio.create_task(call(number)) for number in (0, 3, 6, 1, 4, 2)]
            await asyncio.sleep(0.01)
        await asyncio.gather(*calls)
        assert begun == [0, 1, 2, 3, 4, 6]


async def test_who_goes_away_while_waiting_leaves_the_turn_to_the_next() -> None:
    async with asyncio.timeout(5.0):
        turns = FairTurns(1)
        crowd = Crowd(turns)
        await crowd.call("a")
        gone = await crowd.call("b")
        await crowd.call("c")
        gone.cancel()
        await asyncio.sleep(0)
        await crowd.end("a")
        assert crowd.begun == ["a", "c"]
        await crowd.end("c")
        assert (turns.under_way, turns.waiting) == (0, 0)


async def test_a_turn_given_to_who_is_cancelled_in_the_same_moment_is_not_lost() -> None:
    async with asyncio.timeout(5.0):
        turns = FairTurns(1)
        crowd = Crowd(turns)
        await crowd.call("a")
        unlucky = await crowd.call("b")
        crowd._ends["a"].pop().set()
        await asyncio.sleep(0)  # a's turn ends, and b's begins
        await asyncio.sleep(0)
        unlucky.cancel()
        await asyncio.gather(unlucky, return_exceptions=True)
        await crowd.call("c")
        assert crowd.begun[-1] == "c"
        await crowd.end("c")
        assert turns.under_way == 0


def test_shares_are_refused_beyond_a_keys_own_and_beyond_all() -> None:
    shares = Shares(3, per_key=2)
    with shares.enter("a") as first, shares.enter("a") as second, shares.enter("a") as third:
        assert (first, second, third) == (True, True, False)
        with shares.enter("b") as others, shares.enter("c") as beyond:
            assert (others, beyond) == (True, False)
    with shares.enter("a") as again:
        assert again
