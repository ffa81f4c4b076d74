"""Nobody has all places, and everybody finds one."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from portravox.service.places import Places
from portravox.service.problems import CONCURRENCY, Refusal


def take_all(places: Places, holder: str, held: ExitStack) -> int:
    """As many as there are for one holder."""
    taken = 0
    with pytest.raises(Refusal) as refused:
        while True:
            held.enter_context(places.hold(holder))
            taken += 1
    assert refused.value.problem is CONCURRENCY
    return taken


def test_each_newcomer_has_half_of_what_the_others_leave() -> None:
    places = Places(1024)
    with ExitStack() as held:
        assert [take_all(places, holder, held) for holder in "abc"] == [512, 256, 128]
        assert places.held() == 896
    assert places.held() == 0


def test_the_first_one_gives_way_as_its_places_come_back() -> None:
    places = Places(12)
    with ExitStack() as others:
        with ExitStack() as held:
            assert take_all(places, "a", held) == 6
            assert take_all(places, "b", others) == 3
        with ExitStack() as held:
            assert take_all(places, "a", held) == 5


def test_a_lone_place_is_for_whoever_comes_first() -> None:
    places = Places(1)
    with places.hold("a"), pytest.raises(Refusal), places.hold("b"):
        pass
    with places.hold("b"):
        assert places.held("b") == 1


def test_a_place_comes_back_from_a_holder_that_broke() -> None:
    places = Places(2)
    with pytest.raises(ZeroDivisionError), places.hold("a"):
        raise ZeroDivisionError
    assert places.held("a") == places.held() == 0
