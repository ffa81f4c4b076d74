"""Streaming: what the mouth does while the voice is still being spoken, 150 ms behind it.

Flow      samples of a live voice -> speech.mel, speech.log_mel -> articulation.streaming
          -> AcousticOutput, piece by piece
Reads     mono samples at 16 kHz, in pieces of any length
Gives     the rows of AcousticOutput that are known by now

The network of the whole recording serves a live voice, too: it sees HOP_ROWS rows at a time, with
what came before them and no more than AHEAD_ROWS after. All rows that it sees are normalized by
level and colour as they are known then (speech.log_mel.RunningLogMel): by what was known at each
row alone, the first sound of a voice would be its loudest. All work is done in units of a few rows,
so the result does not depend on the pieces in which the samples come: the whole recording in one
piece gives the same numbers, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from portravox.arrays import Float32
from portravox.articulation.acoustic_model import ARTICULATION_MODEL, AcousticOutput, outputs_of
from portravox.inference import Network, open_network
from portravox.speech.log_mel import RunningLogMel
from portravox.speech.mel import BANDS, WINDOW_SAMPLES, mel_power_in
from portravox.speech.resample import SAMPLES_PER_ROW, SPEECH_RATE_HZ

HOP_ROWS: Final = 4
"""Given at a time: 40 ms, a frame of video at 25 a second."""

AHEAD_ROWS: Final = 10
"""Rows that are known beyond those given."""

BEHIND_ROWS: Final = 60
"""Rows before those given that the network sees. With 80 nothing is found that is not with these;
with 40 three sentences show two closures and a bite more (decision 95)."""

_EDGE_SAMPLES: Final = (WINDOW_SAMPLES - SAMPLES_PER_ROW) // 2
"""How far the window of a row reaches beyond its 10 ms, to each side."""

_FIRST_ROWS: Final = (HOP_ROWS + AHEAD_ROWS) % HOP_ROWS
"""Made of samples at the beginning; from then on HOP_ROWS at a time, after which the network is
asked."""

LOOK_AHEAD_S: Final = (
    (HOP_ROWS + AHEAD_ROWS) * SAMPLES_PER_ROW + _EDGE_SAMPLES
) / SPEECH_RATE_HZ  # 0.1475
"""From the beginning of a row to the last sample that is needed for it, at most."""


class StreamingAcoustic:
    """The acoustic output of a live voice. One for each voice; not for two threads at once."""

    def __init__(
        self, model: Network | None = None, on_power: Callable[[Float32], None] | None = None
    ) -> None:
        """
        model     another network than our own, with the same inputs and outputs
        on_power  given the mel power of rows as they are made, (T, BANDS), before those that
                  `push` gives

        Raises ModelUnavailable.
        """
        self._network = model or open_network(ARTICULATION_MODEL)
        self._normalizer = RunningLogMel()
        self._on_power = on_power
        self._samples = np.zeros(_EDGE_SAMPLES, dtype=np.float32)
        """From _EDGE_SAMPLES before the next row of mel power on; silence before the beginning."""
        self._power = np.zeros((0, BANDS), dtype=np.float32)
        """Mel power of what the network still has to see."""
        self._behind = 0
        """How many rows of it are given already."""

    def push(self, samples: Float32) -> AcousticOutput:
        """Take samples; the rows that are known now, none or some.

        samples  (N,) mono, 16 kHz, following those of the call before
        """
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        return _joined(list(self._known()))

    def finish(self) -> AcousticOutput:
        """The voice has ended: all rows that are left, the last one perhaps only in part."""
        given = list(self._known())
        left = -(-(len(self._samples) - _EDGE_SAMPLES) // SAMPLES_PER_ROW)
        while left > 0:
            rows = min(self._next_rows(), left)
            missing = _samples_of(rows) - len(self._samples)
            silence = np.zeros(max(0, missing), dtype=np.float32)
            self._samples = np.concatenate([self._samples, silence])
            self._take(rows)
            left -= rows
        while self._behind < len(self._power):
            given.append(self._infer(min(HOP_ROWS, len(self._power) - self._behind)))
        return _joined(given)

    def cut(self) -> None:
        """Forget what is not given yet and begin anew after silence. The next sample begins a row.

        What is known of the voice, its level and its colour, is kept.
        """
        self._samples = np.zeros(_EDGE_SAMPLES, dtype=np.float32)
        self._power = np.zeros((0, BANDS), dtype=np.float32)
        self._behind = 0

    def _known(self) -> Iterator[AcousticOutput]:
        """Outputs as far as the samples reach."""
        while len(self._samples) >= _samples_of(rows := self._next_rows()):
            self._take(rows)
            if len(self._power) - self._behind >= HOP_ROWS + AHEAD_ROWS:
                yield self._infer(HOP_ROWS)

    def _next_rows(self) -> int:
        """How many rows of mel power are made next."""
        return HOP_ROWS if len(self._power) else _FIRST_ROWS

    def _take(self, rows: int) -> None:
        """Make so many rows of mel power from the samples."""
        power = mel_power_in(self._samples[: _samples_of(rows)], _EDGE_SAMPLES)
        self._samples = self._samples[rows * SAMPLES_PER_ROW :]
        if self._on_power is not None:
            self._on_power(power)
        self._normalizer.hear(power)
        self._power = np.concatenate([self._power, power])

    def _infer(self, rows: int) -> AcousticOutput:
        """The next rows, by what is before them and at most AHEAD_ROWS after."""
        seen = self._power[: self._behind + rows + AHEAD_ROWS]
        answer = self._network.run(log_mel=self._normalizer.by_now(seen)[np.newaxis])
        curves, classes, voice = (
            output[self._behind : self._behind + rows]
            for output in outputs_of(answer, self._network)
        )
        self._behind += rows
        # a multiple of HOP_ROWS, which is even: the network works on every second row inside
        dropped = max(0, self._behind - BEHIND_ROWS)
        self._power = self._power[dropped:]
        self._behind -= dropped
        return AcousticOutput(curves, classes, voice[:, 0])


def _samples_of(rows: int) -> int:
    """That the windows of so many rows cover."""
    return rows * SAMPLES_PER_ROW + 2 * _EDGE_SAMPLES


def infer_live(samples: Float32, model: Network | None = None) -> AcousticOutput:
    """A whole recording as a live voice would have it: no more is known at any row.

    samples  (N,) mono, 16 kHz

    Raises ModelUnavailable.
    """
    live = StreamingAcoustic(model)
    return _joined([live.push(samples), live.finish()])


def _joined(pieces: list[AcousticOutput]) -> AcousticOutput:
    """One after the other."""
    if not pieces:
        return AcousticOutput.empty()
    return AcousticOutput(
        np.concatenate([piece.curves for piece in pieces]),
        np.concatenate([piece.classes for piece in pieces]),
        np.concatenate([piece.speech for piece in pieces]),
    )
