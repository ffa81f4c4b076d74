"""Inference in pieces equals inference at once, and outputs have the promised shapes."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.articulation import acoustic_model
from portravox.articulation.acoustic_model import (
    ACOUSTIC_CHANNELS,
    ARTICULATION_MODEL,
    CHUNK_ROWS,
    GRID_ROWS,
    AcousticOutput,
    infer,
)
from portravox.articulation.phones import PHONE_CLASSES
from portravox.errors import ModelUnavailable
from portravox.media import sample_file
from portravox.speech.mel import BANDS

REACH_ROWS = 31


class Average:
    """Stands in for a network: each output is the mean of REACH_ROWS rows to each side.

    The rows are taken in pairs, as by a network that works at half the rate inside. Counts the
    rows that it is given at once.
    """

    name = "average.onnx"

    def __init__(self) -> None:
        self.metadata = {"context_rows": str(REACH_ROWS)}
        self.longest = 0

    def run(self, log_mel):
        self.longest = max(self.longest, log_mel.shape[1])
        kernel = np.ones(2 * REACH_ROWS + 1) / (2 * REACH_ROWS + 1)
        columns = [np.convolve(column, kernel, "full") for column in log_mel[0].T]
        mean = np.stack(columns, axis=1)[REACH_ROWS : REACH_ROWS + log_mel.shape[1]]
        mean = mean[::2].repeat(2, axis=0)[: log_mel.shape[1]]
        mean = mean[np.newaxis].astype(np.float32)
        return {"curves": mean[..., :7], "classes": mean[..., 7:41], "voice": mean[..., 41:43]}


def random_rows(rows):
    return np.random.default_rng(5).normal(0.0, 1.0, (rows, BANDS)).astype(np.float32)


def all_of(acoustic: AcousticOutput):
    return np.column_stack([acoustic.curves, acoustic.classes, acoustic.speech])


@pytest.mark.parametrize("rows", [0, 1, REACH_ROWS, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS + 7])
def test_pieces_give_what_the_whole_gives(rows, monkeypatch):
    log_mel = random_rows(rows)
    in_pieces = all_of(infer(log_mel, Average()))
    monkeypatch.setattr(acoustic_model, "CHUNK_ROWS", 10 * CHUNK_ROWS)
    whole = all_of(infer(log_mel, Average()))
    assert in_pieces.shape == (rows, len(ACOUSTIC_CHANNELS) + len(PHONE_CLASSES) + 1)
    assert np.abs(in_pieces - whole).max(initial=0.0) < 1e-5


def test_a_long_recording_is_never_processed_at_once():
    average = Average()
    infer(random_rows(18_000), average)
    assert average.longest <= CHUNK_ROWS + 2 * (REACH_ROWS + GRID_ROWS)


def test_a_network_for_something_else_is_refused():
    class Other(Average):
        def run(self, log_mel):
            return {
                **super().run(log_mel),
                "classes": np.zeros((1, log_mel.shape[1], 5), np.float32),
            }

    with pytest.raises(ModelUnavailable, match="'classes' of width 34"):
        infer(random_rows(10), Other())


def test_channels_and_classes_are_read_by_name():
    curves = np.arange(7, dtype=np.float32)[np.newaxis]
    classes = np.arange(34, dtype=np.float32)[np.newaxis]
    acoustic = AcousticOutput(curves, classes, np.zeros(1, np.float32))
    assert acoustic["jaw"] == 0.0
    assert acoustic["tongue"] == 6.0
    assert acoustic.probability("p", "b", "m") == 1.0 + 2.0 + 3.0


@pytest.fixture(scope="module")
def log_mel():
    if not ARTICULATION_MODEL.is_file():
        pytest.skip("the articulation model is not trained yet")
    return random_rows(CHUNK_ROWS + 700)


def test_our_model_gives_in_pieces_what_it_gives_at_once(log_mel, monkeypatch):
    in_pieces = all_of(infer(log_mel))
    monkeypatch.setattr(acoustic_model, "CHUNK_ROWS", 10 * CHUNK_ROWS)
    assert np.abs(all_of(infer(log_mel)) - in_pieces).max() < 1e-5


def test_our_model_gives_shares_and_probabilities(log_mel):
    acoustic = infer(log_mel)
    assert 0.0 <= all_of(acoustic).min() <= all_of(acoustic).max() <= 1.0
    assert np.allclose(acoustic.classes.sum(axis=1), 1.0, atol=1e-4)


def test_classes_in_a_file_are_the_same(monkeypatch):
    log_mel = np.random.default_rng(2).normal(size=(6000, BANDS)).astype(np.float32)
    usual = infer(log_mel, Average())
    monkeypatch.setattr(sample_file, "NUMBERS_IN_MEMORY", 100_000)
    filed = infer(log_mel, Average())
    assert usual.classes.flags.writeable and not filed.classes.flags.writeable
    assert np.array_equal(usual.classes, filed.classes)
    assert np.array_equal(usual.probability("p", "b"), filed.probability("p", "b"))
