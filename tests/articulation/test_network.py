"""Hearing in pieces is hearing the whole, and what comes out has the shape that is promised."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.articulation import network
from portravox.articulation.network import CHUNK_ROWS, EARS, GRID_ROWS, HEARD_CHANNELS, Heard, hear
from portravox.articulation.phones import PHONE_CLASSES
from portravox.errors import ModelUnavailable
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

    def run(self, heard):
        self.longest = max(self.longest, heard.shape[1])
        kernel = np.ones(2 * REACH_ROWS + 1) / (2 * REACH_ROWS + 1)
        columns = [np.convolve(column, kernel, "full") for column in heard[0].T]
        mean = np.stack(columns, axis=1)[REACH_ROWS : REACH_ROWS + heard.shape[1]]
        mean = mean[::2].repeat(2, axis=0)[: heard.shape[1]]
        mean = mean[np.newaxis].astype(np.float32)
        return {"curves": mean[..., :7], "classes": mean[..., 7:41], "voice": mean[..., 41:43]}


def random_rows(rows):
    return np.random.default_rng(5).normal(0.0, 1.0, (rows, BANDS)).astype(np.float32)


def all_of(heard: Heard):
    return np.column_stack([heard.curves, heard.classes, heard.speech, heard.voicing])


@pytest.mark.parametrize("rows", [0, 1, REACH_ROWS, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS + 7])
def test_pieces_give_what_the_whole_gives(rows, monkeypatch):
    heard = random_rows(rows)
    in_pieces = all_of(hear(heard, Average()))
    monkeypatch.setattr(network, "CHUNK_ROWS", 10 * CHUNK_ROWS)
    whole = all_of(hear(heard, Average()))
    assert in_pieces.shape == (rows, len(HEARD_CHANNELS) + len(PHONE_CLASSES) + 2)
    assert np.abs(in_pieces - whole).max(initial=0.0) < 1e-5


def test_a_long_recording_is_never_heard_at_once():
    average = Average()
    hear(random_rows(18_000), average)
    assert average.longest <= CHUNK_ROWS + 2 * (REACH_ROWS + GRID_ROWS)


def test_a_network_for_something_else_is_refused():
    class Other(Average):
        def run(self, heard):
            return {**super().run(heard), "classes": np.zeros((1, heard.shape[1], 5), np.float32)}

    with pytest.raises(ModelUnavailable, match="'classes' of width 34"):
        hear(random_rows(10), Other())


def test_channels_and_classes_are_read_by_name():
    curves = np.arange(7, dtype=np.float32)[np.newaxis]
    classes = np.arange(34, dtype=np.float32)[np.newaxis]
    heard = Heard(curves, classes, np.zeros(1, np.float32), np.zeros(1, np.float32))
    assert heard["jaw"] == 0.0
    assert heard["tongue"] == 6.0
    assert heard.probability("p", "b", "m") == 1.0 + 2.0 + 3.0


@pytest.fixture(scope="module")
def ears_heard():
    if not EARS.is_file():
        pytest.skip("the ears are not trained yet")
    return random_rows(CHUNK_ROWS + 700)


def test_our_ears_hear_in_pieces_what_they_hear_at_once(ears_heard, monkeypatch):
    in_pieces = all_of(hear(ears_heard))
    monkeypatch.setattr(network, "CHUNK_ROWS", 10 * CHUNK_ROWS)
    assert np.abs(all_of(hear(ears_heard)) - in_pieces).max() < 1e-5


def test_our_ears_give_shares_and_probabilities(ears_heard):
    heard = hear(ears_heard)
    assert 0.0 <= all_of(heard).min() <= all_of(heard).max() <= 1.0
    assert np.allclose(heard.classes.sum(axis=1), 1.0, atol=1e-4)
