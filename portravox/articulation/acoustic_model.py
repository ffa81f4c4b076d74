"""The acoustic model: our network, which infers from the spectrum what the mouth does.

Flow      speech.log_mel -> articulation.acoustic_model -> articulation.lip_closures,
          articulation.speaking, articulation.alignment, articulation.from_voice
Reads     normalized log-mel rows
Gives     AcousticOutput: curves, phone classes and speech, each row

A row depends on the rows within the network's reach before and after it and on no other. So a
long recording is processed in pieces that overlap by that reach: the result is the same as in one
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
from portravox.media.sample_file import GrowingRows, in_pieces, let_go

ARTICULATION_MODEL: Final = Path(__file__).with_name("articulation_model.onnx")
"""Made by `training`; the card beside it says from what."""

ACOUSTIC_CHANNELS: Final = (
    "jaw",
    "aperture",
    "spread",
    "rounding",
    "closure",
    "labiodental",
    "tongue",
)
"""Columns of AcousticOutput.curves; articulation.curves describes them."""

CHUNK_ROWS = 2000
"""Processed at once: 20 s. Twice as much is no faster (measured)."""

GRID_ROWS = 8
"""Pieces begin on multiples of this, since a network may work on every second row inside."""

LONGEST_REACH_ROWS = 200
"""Where the file does not say how far the network looks to each side: it never looks farther."""


@dataclass(frozen=True, slots=True, eq=False)
class AcousticOutput:
    """What the network gives for a recording, all 0..1."""

    curves: Float32
    """(T, 7), a column for each of ACOUSTIC_CHANNELS; closure and labiodental are probabilities."""

    classes: Float32
    """(T, 34) probability of each of PHONE_CLASSES."""

    speech: Float32
    """(T,) probability that somebody speaks or sings, aloud or in a whisper."""

    @classmethod
    def empty(cls) -> AcousticOutput:
        """Of no rows."""
        return cls(
            np.zeros((0, len(ACOUSTIC_CHANNELS)), dtype=np.float32),
            np.zeros((0, len(PHONE_CLASSES)), dtype=np.float32),
            np.zeros(0, dtype=np.float32),
        )

    def __getitem__(self, channel: str) -> Float32:
        """(T,) one of ACOUSTIC_CHANNELS by its name."""
        column: Float32 = self.curves[:, ACOUSTIC_CHANNELS.index(channel)]
        return column

    def probability(self, *names: str) -> Float32:
        """(T,) that the row belongs to one of these PHONE_CLASSES."""
        columns = [PHONE_CLASSES.index(name) for name in names]
        total = np.zeros(len(self.classes), np.float32)
        for some in in_pieces(self.classes):
            total[some] = self.classes[some][:, columns].sum(axis=1)
        return total


def infer(log_mel: Float32, model: Network | None = None) -> AcousticOutput:
    """Run the network over a recording of any length.

    log_mel  (T, BANDS) from speech.log_mel
    model    another network than our own, with the same inputs and outputs

    Raises ModelUnavailable.
    """
    network = model or open_network(ARTICULATION_MODEL)
    rows = len(log_mel)
    curves = np.zeros((rows, len(ACOUSTIC_CHANNELS)), dtype=np.float32)
    # probabilities of speech and of voicing; nothing reads the second
    voice = np.zeros((rows, 2), dtype=np.float32)
    reach = int(network.metadata.get("context_rows", LONGEST_REACH_ROWS))
    reach = -(-reach // GRID_ROWS) * GRID_ROWS
    with GrowingRows(len(PHONE_CLASSES)) as classes:
        for start in range(0, rows, CHUNK_ROWS):
            stop = min(start + CHUNK_ROWS, rows)
            first = max(0, start - reach)
            answer = network.run(log_mel=log_mel[np.newaxis, first : stop + reach])
            let_go(log_mel)
            found = [output[start - first : stop - first] for output in outputs_of(answer, network)]
            curves[start:stop], voice[start:stop] = found[0], found[2]
            classes.add(found[1])
        return AcousticOutput(curves, classes.whole(), speech=voice[:, 0])


def outputs_of(answer: dict[str, Float32], network: Network) -> tuple[Float32, Float32, Float32]:
    """(T, 7) curves, (T, 34) classes and (T, 2) voice of a run.

    Raises ModelUnavailable where the network gives others.
    """
    return (
        _output(answer, "curves", len(ACOUSTIC_CHANNELS), network),
        _output(answer, "classes", len(PHONE_CLASSES), network),
        _output(answer, "voice", 2, network),
    )


def _output(answer: dict[str, Float32], name: str, width: int, network: Network) -> Float32:
    """(rows, width) one output of a run."""
    found = answer.get(name)
    if found is None or found.shape[-1] != width:
        raise ModelUnavailable(f"the network {network.name} gives no {name!r} of width {width}")
    rows: Float32 = found[0]
    return rows
