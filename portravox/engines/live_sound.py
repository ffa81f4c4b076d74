"""Live sound: what was pushed, on the clock of a session, from which it is never moved.

Flow      Session.push -> engines.live_sound -> articulation.live, LiveFrame.sound
Reads     pieces of speech, as fast or as slowly as they come
Gives     one line of samples without a gap: speech where there is some, silence elsewhere

Sound is laid on the line a little ahead of the frame that is drawn, since the mouth has to know
what is coming. Moments are numbers of samples and nothing is ever added up in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from portravox.arrays import Float32
from portravox.errors import SessionFull
from portravox.speech.streaming_resample import StreamingResampler

AHEAD_S: Final = 0.16
"""Laid beyond the end of a frame before it is drawn: articulation.streaming.LOOK_AHEAD_S, and
articulation knows 8 rows from the beginning of the frame on."""

MOST_AHEAD_S: Final = 0.6
"""The same where speech waits already, as a speech synthesiser gives it. Anticipation looks no
farther, and an interruption throws it away."""

CUSHION_S: Final = 0.02
"""Of a voice that comes as it is spoken, so much is waited for before it begins."""

SLACK_S: Final = 0.04
"""It begins so much later than it could: pieces that come late by less leave no gap. Our choice."""

PIECE_S: Final = 0.12
"""Shorter pieces are taken for a voice that comes as it is spoken: the next one comes when this one
is over. Longer ones are those of a synthesiser. Our choice."""

MOST_HELD: Final = 3
"""Frames for which less than the cushion waits before it is spoken all the same."""

MOST_WAITING_S: Final = 60.0
"""Of speech that is not laid yet. 11.5 MB at 48 kHz."""

MOST_UTTERANCES: Final = 256
"""Waiting at once."""

FADE_S: Final = 0.012
"""An interrupted sound dies away within this time, lest it clicks."""


@dataclass(slots=True)
class Utterance:
    """One `flush` to the next."""

    number: int
    start: int
    """Sample at which it begins."""

    gap: int = 0
    """Samples of silence laid where more of it was still to come."""

    end: int | None = None
    """Sample at which it ends, once that is laid."""


class LiveSound:
    """The line of one session. Not for two threads at once."""

    def __init__(self, rate_hz: int, fps: int) -> None:
        """fps: how often `lay` is called in a second of the line"""
        self.rate_hz = rate_hz
        self._step = rate_hz // fps
        self._piece = 0
        """Length of what was pushed last, if that is no longer than PIECE_S."""
        self._resampler: StreamingResampler | None = None
        self._rate_in_hz = 0
        self._waiting: deque[Float32 | None] = deque()
        """Pieces of speech; None where an utterance ends."""
        self._samples = 0
        """Of speech that waits."""
        self._ends = 0
        self._line = np.zeros(0, np.float32)
        self._first = 0
        """Index of the line's first sample that is kept."""
        self._held = 0
        """Frames for which something has waited."""
        self._flowing = False
        """The utterance goes on where the line ends."""
        self.utterances: deque[Utterance] = deque()
        """Laid at least in part, and not over yet."""
        self._number = 0
        self.last_sound = -(1 << 62)
        """Index after the last sample that is speech."""
        self.gaps = 0
        """How many times speech did not come in time in the middle of an utterance."""

    @property
    def laid(self) -> int:
        """Index up to which the line is decided."""
        return self._first + len(self._line)

    @property
    def waiting(self) -> int:
        """Samples of speech that are not laid yet."""
        return self._samples

    def push(self, samples: Float32, rate_hz: int) -> None:
        """(N,) mono speech that follows what was pushed before.

        Raises SessionFull; then nothing is taken.
        """
        coming = len(samples) * self.rate_hz // rate_hz
        if self._samples + coming > MOST_WAITING_S * self.rate_hz:
            raise SessionFull(MOST_WAITING_S)
        if rate_hz != self._rate_in_hz:
            self._drain()
            self._resampler = StreamingResampler(rate_hz, self.rate_hz)
            self._rate_in_hz = rate_hz
        assert self._resampler is not None
        self._piece = coming if coming <= PIECE_S * self.rate_hz else 0
        self._add(self._resampler.push(samples))

    def flush(self) -> None:
        """The utterance ends here. Nothing if none was begun."""
        self._drain()
        open_ = (self._waiting and self._waiting[-1] is not None) or (
            not self._waiting and self.utterances and self.utterances[-1].end is None
        )
        if not open_:
            return
        if self._ends >= MOST_UTTERANCES:
            raise SessionFull(MOST_WAITING_S)
        self._waiting.append(None)
        self._ends += 1

    def clear(self, now: int, settled: int) -> None:
        """Forget all speech that waits, and what is laid from `now` on; up to `settled`, which
        is the next that can be laid, the line is silent."""
        self._drain()
        self._waiting.clear()
        self._samples = self._ends = 0
        self._flowing = False
        kept = self._line[: now - self._first]
        tail = np.zeros(settled - now, np.float32)
        cut = self._line[now - self._first : settled - self._first]
        fade = min(len(cut), len(tail), round(FADE_S * self.rate_hz))
        tail[:fade] = cut[:fade] * np.linspace(1.0, 0.0, fade, dtype=np.float32)
        self._line = np.concatenate([kept, tail])
        self.utterances.clear()
        self.last_sound = min(self.last_sound, now)

    def lay(self, least: int, most: int) -> None:
        """Decide the line up to `least`, or up to `most` where speech waits."""
        self._held = self._held + 1 if self._waiting and not self._flowing else 0
        pieces: list[Float32] = []
        laid = self.laid
        if not self._flowing and (self._enough() or self._held > MOST_HELD):
            self._flowing = True
            # begun at once it could break off, since more of it comes only as time goes on
            frames = -(-self._piece // self._step)  # that are drawn until the next piece comes
            slack = max(0, frames - 1) * self._step + round(SLACK_S * self.rate_hz)
            wanted = least + slack - self._samples
            if not self._ends and wanted > laid:
                pieces.append(np.zeros(wanted - laid, np.float32))
                self._count_gap(wanted - laid)
                laid = wanted
        while self._flowing and laid < most:
            if not self._waiting:
                break
            piece = self._waiting.popleft()
            if piece is None:
                self._end_utterance(laid)
                continue
            taken = piece[: most - laid]
            if len(piece) > len(taken):
                self._waiting.appendleft(piece[len(taken) :])
            self._begin_utterance(laid)
            self._samples -= len(taken)
            laid += len(taken)
            self.last_sound = laid
            pieces.append(taken)
        if laid < least:
            if self._flowing:
                self._flowing = False
                self.gaps += 1
            self._count_gap(least - laid)
            pieces.append(np.zeros(least - laid, np.float32))
        self._line = np.concatenate([self._line, *pieces])

    def _begin_utterance(self, at: int) -> None:
        """Unless the last one goes on."""
        if not self.utterances or self.utterances[-1].end is not None:
            self._number += 1
            self.utterances.append(Utterance(self._number, at))

    def _end_utterance(self, at: int) -> None:
        self._ends -= 1
        if self.utterances and self.utterances[-1].end is None:
            self.utterances[-1].end = at
        self._flowing = self._enough()

    def _count_gap(self, samples: int) -> None:
        """Silence that is laid belongs to an utterance that has begun and not ended."""
        if self.utterances and self.utterances[-1].end is None:
            self.utterances[-1].gap += samples

    def _enough(self) -> bool:
        """Whether so much waits that speech may begin, or go on after a gap."""
        return self._ends > 0 or self._samples >= CUSHION_S * self.rate_hz

    def part(self, start: int, stop: int) -> Float32:
        """(stop - start,) samples of the line, which must be laid and not forgotten."""
        assert self._first <= start <= stop <= self.laid
        return self._line[start - self._first : stop - self._first]

    def forget(self, before: int) -> None:
        """Drop what lies before an index."""
        spent = before - self._first
        if spent > 0:
            self._line = self._line[spent:].copy()
            self._first = before
        while self.utterances and (end := self.utterances[0].end) is not None and end <= before:
            self.utterances.popleft()

    def _drain(self) -> None:
        """What the filter holds back is the end of what was pushed."""
        if self._resampler is not None:
            self._add(self._resampler.finish())
        self._resampler = None
        self._rate_in_hz = 0

    def _add(self, samples: Float32) -> None:
        if len(samples):
            self._waiting.append(samples)
            self._samples += len(samples)
