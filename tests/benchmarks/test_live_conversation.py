"""What a conversation is measured by, on curves whose holds, lifts and blinks are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.live_conversation import FPS, Conversation, figures
from portravox.animation.controls import CONTROLS


def conversation(**columns: np.ndarray) -> Conversation:
    """A minute: speech from 30 s on, in one turn."""
    rows = np.zeros((60 * FPS, len(CONTROLS)), np.float32)
    for name, values in columns.items():
        rows[:, CONTROLS.index(name)] = values
    heard = np.arange(60 * FPS) >= 30 * FPS
    return Conversation(rows, heard * 0.1, heard, (30 * FPS,))


def test_a_head_that_stands_still_for_half_of_each_second_does_so_in_the_figures() -> None:
    phase = np.arange(60 * FPS) % FPS
    yaw = np.cumsum(np.where(phase < FPS // 2, 4.0 / FPS, 0.0))
    told = figures(conversation(head_yaw_deg=yaw, blink_left=phase == 5))["speaking"]
    assert told["still"] == pytest.approx(0.52, abs=0.03)
    assert told["holds_per_minute"] == pytest.approx(60.0, abs=2.0)


def test_brows_that_rise_with_a_turn_and_blinks_like_a_clock_are_found() -> None:
    times_s = np.arange(60 * FPS) / FPS
    raised = np.where((times_s > 30.4) & (times_s < 31.4), 0.6, 0.0)
    told = figures(
        conversation(
            brow_raise=raised, eye_wide=0.5 * raised, blink_left=np.arange(60 * FPS) % 50 == 5
        )
    )
    assert told["brows"]["turns_with_a_rise"] == 1.0
    assert told["brows"]["lifts_per_minute_of_speech"] == 2.0
    assert told["blinks"]["per_minute"] == 30.0
    assert told["blinks"]["deviation_by_mean"] == 0.0


def test_quick_dips_of_the_head_are_nods_and_slow_ones_are_poses() -> None:
    times_s = np.arange(60 * FPS) / FPS
    since_s = times_s % 5.0
    dips = np.where(since_s < 0.6, -2.0 * (1 - np.cos(2 * np.pi * since_s / 0.6)) / 2, 0.0)
    pose = 3.0 * np.sin(2 * np.pi * times_s / 8.0)
    told = figures(
        conversation(head_pitch_deg=pose + dips, blink_left=np.arange(60 * FPS) % 50 == 5)
    )
    assert told["listening"]["nods_per_minute"] == pytest.approx(12.0, abs=1.0)
    assert told["speaking"]["nods_per_minute"] == pytest.approx(12.0, abs=1.0)
    still = figures(conversation(head_pitch_deg=pose, blink_left=np.arange(60 * FPS) % 50 == 5))
    assert still["listening"]["nods_per_minute"] == 0.0
