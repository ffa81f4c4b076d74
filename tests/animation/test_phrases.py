"""Speech is found where it is, and short pauses can be overlooked."""

from __future__ import annotations

import numpy as np

from portravox.animation.phrases import joined, presence, speech_spans

ROWS_S = (np.arange(600) + 0.5) / 100.0


def between(start_s: float, end_s: float):
    inside = (start_s <= ROWS_S) & (end_s > ROWS_S)
    return inside.astype(np.float32)


def test_spans_begin_and_end_with_the_activity():
    spans = speech_spans(between(1.0, 2.5) + between(4.0, 6.0))
    assert np.allclose(spans, [[1.0, 2.5], [4.0, 6.0]])


def test_a_level_between_the_thresholds_neither_starts_nor_ends_speech():
    assert len(speech_spans(0.4 * between(1.0, 2.0))) == 0
    hovering = between(1.0, 2.0) + 0.4 * between(2.0, 3.0)
    assert np.allclose(speech_spans(hovering), [[1.0, 3.0]])


def test_silence_has_no_spans():
    spans = speech_spans(np.zeros(600, dtype=np.float32))
    assert spans.shape == (0, 2)
    assert joined(spans, 1.0).shape == (0, 2)
    assert presence(ROWS_S, spans, 0.1, 0.1).max() == 0.0


def test_joining_drops_only_shorter_pauses():
    spans = np.array([[0.0, 1.0], [1.2, 2.0], [3.0, 4.0]])
    assert np.allclose(joined(spans, 0.5), [[0.0, 2.0], [3.0, 4.0]])


def test_presence_is_full_in_speech_and_none_away_from_it():
    level = presence(ROWS_S, np.array([[2.0, 3.0]]), rise_s=0.2, fall_s=0.4)
    assert np.all(level[(ROWS_S >= 2.0) & (ROWS_S <= 3.0)] == 1.0)
    assert np.all(level[(ROWS_S <= 1.8) | (ROWS_S >= 3.4)] == 0.0)
    assert np.all(np.diff(level[ROWS_S < 2.5]) >= 0.0)
    assert np.all(np.diff(level[ROWS_S > 2.5]) <= 0.0)
