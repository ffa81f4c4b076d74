from __future__ import annotations

from dataclasses import replace

import pytest

from portravox.service.errors import QueueFull
from portravox.service.tasks.room import (
    MAX_ENDED,
    MAX_TASK_BYTES,
    MAX_TEXT_BYTES,
    MIN_CANCELED,
    Caps,
    Held,
    require_room,
)
from portravox.service.tasks.task import KeyLimits

NOTHING = Held(pending=0, canceled=0, ended=0, text_bytes=0)


def fill(caps: Caps, keys: int, share: float) -> list[int]:
    """How many tasks each of some keys holds once all have submitted as many as they may."""
    held = [0] * keys
    refused = False
    while not refused:
        refused = True
        for key in range(keys):
            try:
                require_room(
                    0,
                    own=replace(NOTHING, pending=held[key]),
                    everyone=replace(NOTHING, pending=sum(held)),
                    caps=caps,
                    limits=KeyLimits(share=share),
                )
            except QueueFull:
                continue
            held[key] += 1
            refused = False
    return held


@pytest.mark.parametrize("keys", [1, 2, 3, 9])
def test_n_busy_keys_hold_one_part_in_n_plus_1_each(keys):
    held = fill(Caps(pending=10_000), keys, share=0.5)
    assert all(abs(own - 10_000 / (keys + 1)) <= keys for own in held)


def test_with_the_whole_for_its_share_a_key_fills_the_queue():
    assert fill(Caps(pending=100), 1, share=1.0) == [100]


def test_as_many_cancelled_tasks_are_remembered_as_may_wait_and_some_in_any_case():
    assert Caps.for_queue_of(50_000).canceled == 50_000
    assert Caps.for_queue_of(2).canceled == MIN_CANCELED


def test_the_numbers_fit_each_other():
    two_signed_links = 2 * 400
    assert MAX_ENDED * two_signed_links < MAX_TEXT_BYTES
    assert MAX_TASK_BYTES >= 4 * 2 * 8192  # two addresses are a quarter of it
