"""The trained ears: our network, which hears from the spectrum what the mouth does.

Flow      speech.hearing -> articulation.network -> articulation.contacts, articulation.from_voice
Reads     normalised log-mel rows
Gives     Heard: curves, phone classes, speech and voicing, each row

A row depends on the rows within the network's reach before and after it and on no other. So a
long recording is heard in pieces that overlap by that reach: the result is the same as in one
piece, and the memory does not grow with the length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from portravox.arrays import Float32
from portravox.articulation.phones import PHONE_CLASSES
from portravox.errors import ModelUnavailable
from portravox.inference import Network, open_network

EARS: Final = Path(__file__).with_name("ears.onnx")
"""Made by `training`; the card beside it says from what."""

HEARD_CHANNELS: Final = (
    "jaw",
    "aperture",
    "spread",
    "rounding",
    "closure",
    "labiodental",
    "tongue",
)
"""Columns of Heard.curves; articulation.curves describes them."""

CHUNK_ROWS = 2000
"""Heard at once: 20 s. Twice as much is no faster (measured)."""

GRID_ROWS = 8
"""Pieces begin on multiples of this, since a network may work on every second row inside."""

LONGEST_REACH_ROWS = 200
"""Where the file does not say how far the network looks to each side: it never looks farther."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the network makes of a recording, all 0..1."""

    curves: Float32
    """(T, 7), a column for each of HEARD_CHANNELS; closure and labiodental are probabilities."""

    classes: Float32
    """(T, 34) probability of each of PHONE_CLASSES."""

    speech: Float32
    """(T,) probability that somebody speaks or sings, aloud or in a whisper."""

    voicing: Float32
    """(T,) probability that the vocal folds swing."""

    def __getitem__(self, channel: str) -> Float32:
        """(T,) one of HEARD_CHANNELS by its name."""
        column: Float32 = self.curves[:, HEARD_CHANNELS.index(channel)]
        return column

    def probability(self, *names: str) -> Float32:
        """(T,) that the row belongs to one of these PHONE_CLASSES."""
        columns = [PHONE_CLASSES.index(name) for name in names]
        total: Float32 = self.classes[:, columns].sum(axis=1)
        return total


def hear(heard: Float32, ears: Network | None = None) -> Heard:
    """Run the network over a recording of any length.

    heard  (T, BANDS) from speech.hearing
    ears   another network than our own, with the same inputs and outputs

    Raises ModelUnavailable.
    """
    network = ears or open_network(EARS)
    rows = len(heard)
    curves = np.zeros((rows, len(HEARD_CHANNELS)), dtype=np.float32)
    classes = np.zeros((rows, len(PHONE_CLASSES)), dtype=np.float32)
    voice = np.zeros((rows, 2), dtype=np.float32)
    reach = int(network.metadata.get("context_rows", LONGEST_REACH_ROWS))
    reach = -(-reach // GRID_ROWS) * GRID_ROWS
    for start in range(0, rows, CHUNK_ROWS):
        stop = min(start + CHUNK_ROWS, rows)
        first = max(0, start - reach)
        answer = network.run(heard=heard[np.newaxis, first : stop + reach])
        wanted = slice(start - first, stop - first)
        for whole, name in ((curves, "curves"), (classes, "classes"), (voice, "voice")):
            whole[start:stop] = _output(answer, name, whole.shape[1], network)[wanted]
    return Heard(curves, classes, speech=voice[:, 0], voicing=voice[:, 1])


def _output(answer: dict[str, Float32], name: str, width: int, network: Network) -> Float32:
    """(rows, width) one output of a run."""
    found = answer.get(name)
    if found is None or found.shape[-1] != width:
        raise ModelUnavailable(f"the network {network.name} gives no {name!r} of width {width}")
    rows: Float32 = found[0]
    return rows
