"""Live: articulation curves of a voice that is still being spoken.

Flow      samples of a live voice -> speech, articulation.streaming -> articulation.live
          -> animation.live
Reads     mono samples at 16 kHz on the clock of a session, silence included
Gives     ArticulationCurves of the last seconds and of what is known ahead

The decisions are those of recordings (speech.activity, articulation.from_voice), made again over a
window of a few seconds each time more is known, with running statistics in place of those of the
clip: the noise by the three seconds before, level and habits by the last fifteen seconds of speech.
What a row is may change until it is shown, and what was shown is never looked at again.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.articulation.acoustic_model import (
    ACOUSTIC_CHANNELS,
    AcousticOutput,
)
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.articulation.from_voice import (
    APERTURE_P90,
    SOUNDING_DB,
    Habit,
    curves_from_features,
)
from portravox.articulation.lip_closures import LIVE
from portravox.articulation.openness import opening_of, openness_of
from portravox.articulation.phones import PHONE_CLASSES
from portravox.articulation.recent import Recent
from portravox.articulation.streaming import StreamingAcoustic
from portravox.filters import moving_mean
from portravox.inference import Network
from portravox.speech.activity import (
    FAINT_DBFS,
    LEVEL_PERCENTILE,
    clear_rows,
    signal_to_noise_db,
    speaking_at_level,
)
from portravox.speech.features import SILENCE_DB, SpeechFeatures
from portravox.speech.loudness import loudness_dbfs
from portravox.speech.mel import BANDS
from portravox.speech.noise import (
    BLOCK_ROWS,
    LEVEL_SMOOTHING_ROWS,
    REACH_BLOCKS,
    UNDERRATED,
    quiet_floor,
)
from portravox.speech.pitch import CANDIDATES, LONGEST_LAG, pitch_among, pitch_candidates
from portravox.speech.pitch import WINDOW_SAMPLES as PITCH_SAMPLES
from portravox.speech.resample import SAMPLES_PER_ROW

BEHIND_ROWS: Final = 4 * CURVE_RATE_HZ
"""Kept of the past: the noise looks 3 s back, stress a second, and windows begin at whole
seconds."""

PITCH_ROWS: Final = 40
"""Over which the path of the pitch is sought."""

RECENT_ROWS: Final = 15 * CURVE_RATE_HZ
"""Of speech, by which its level and habits are judged."""

SURE_ROWS: Final = 3 * CURVE_RATE_HZ
"""Of speech from which its level is known without what comes next."""

SPEECH: Final = 0.5
"""Rows that the network takes for speech with this probability count for what is usual."""

SUPPOSED_LEVEL_DBFS: Final = -30.0
"""Of a voice of which nothing is known."""

EMPTY_DBFS: Final = -100.0
"""Rows below are no sound at all: silence of ours, which says nothing about the noise."""

_EDGE: Final = (PITCH_SAMPLES - SAMPLES_PER_ROW) // 2

_BY_ROW: Final = (
    *("_curves", "_classes", "_speech", "_power", "_noise"),
    *("_lags", "_heights", "_pitch_hz"),
)
"""What `LiveArticulation` keeps, a row each 10 ms from `_first` on."""


class LiveArticulation:
    """One live voice, row by row on the clock of its session. Not for two threads at once."""

    def __init__(self, model: Network | None = None) -> None:
        """model: another network than our own. Raises ModelUnavailable."""
        self._stream = StreamingAcoustic(model, self._take_power)
        self._first = 0
        """Row on the session's clock of the first that is kept."""
        self._curves = np.zeros((0, len(ACOUSTIC_CHANNELS)), np.float32)
        self._classes = np.zeros((0, len(PHONE_CLASSES)), np.float32)
        self._speech = np.zeros(0, np.float32)
        self._power = np.zeros((0, BANDS), np.float32)
        self._noise = np.zeros((0, BANDS), np.float32)
        self._lags = np.zeros((0, CANDIDATES), np.float32)
        self._heights = np.zeros((0, CANDIDATES), np.float32)
        self._pitch_hz = np.zeros(0, np.float32)
        self._samples = np.zeros(_EDGE, np.float32)
        """From _EDGE before the next row of pitch on."""
        self._floors = (np.zeros(BANDS, np.float32), np.zeros(BANDS, np.float32))
        self._levels = Recent(RECENT_ROWS)
        self._loudness = Recent(RECENT_ROWS)
        self._openings = Recent(RECENT_ROWS)
        self._pitches = Recent(RECENT_ROWS)
        self._learnt = 0
        """Row up to which the statistics know the voice."""
        self._level_dbfs = SUPPOSED_LEVEL_DBFS

    @property
    def known(self) -> int:
        """The row up to which the curves are known."""
        return self._first + len(self._speech)

    def push(self, samples: Float32) -> None:
        """Take samples, which follow those of the call before. (N,) mono, 16 kHz."""
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        self._add_acoustic(self._stream.push(samples))
        self._add_pitch()

    def silence_until(self, row: int) -> None:
        """What is not known yet up to a row is silence; the next sample that is pushed begins it.

        Costs nothing, however long.
        """
        self._stream.cut()
        self._samples = np.zeros(_EDGE, np.float32)
        self._trim(min(self.known, row))
        known = max(self.known, row - BEHIND_ROWS - CURVE_RATE_HZ)
        if known > self.known:
            self._trim(self._first)
            self._first = known
        silent = row - known
        self._curves = np.concatenate([self._curves, np.zeros((silent, 7), np.float32)])
        self._classes = np.concatenate(
            [self._classes, np.zeros((silent, len(PHONE_CLASSES)), np.float32)]
        )
        self._speech = np.concatenate([self._speech, np.zeros(silent, np.float32)])
        rows = len(self._speech)
        for name in ("_power", "_noise", "_lags", "_heights", "_pitch_hz"):
            kept = getattr(self, name)[:rows]
            missing = ((0, rows - len(kept)), *[(0, 0)] * (kept.ndim - 1))
            fill = float(LONGEST_LAG) if name == "_lags" else 0.0
            setattr(self, name, np.pad(kept, missing, constant_values=fill))
        self._forget()

    def cut(self, now: int, row: int) -> None:
        """The voice stops at row `now`: what follows up to `row` is silence, and the mouth, which
        was moving, has nothing more to say. The next sample that is pushed begins `row`."""
        self._trim(max(self._first, min(now, self.known)))
        self.silence_until(row)
        # the phrase has been, but the mouth is to leave it at once
        self._curves[:] = 0.0
        self._classes[:] = 0.0

    def curves(self, first: int, shown: int) -> ArticulationCurves:
        """The curves of the rows from `first` on, as far as they are known.

        The first of them are the less sure the less was before them: ask for a second more.

        shown  rows before this one will not change any more; they count for what is usual
        """
        start, stop = first - self._first, len(self._speech)
        if start < 0:
            raise ValueError(f"row {first} is not kept any more")
        acoustic = AcousticOutput(
            self._curves[start:stop], self._classes[start:stop], self._speech[start:stop]
        )
        features = self._features(start, stop)
        self._learn(features, acoustic, first, shown)
        return curves_from_features(features, acoustic=acoustic, habit=self._habit(), rules=LIVE)

    def _learn(
        self, features: SpeechFeatures, acoustic: AcousticOutput, first: int, shown: int
    ) -> None:
        """Rows that are shown, for what is usual."""
        new = slice(max(0, self._learnt - first), max(0, shown - first))
        self._learnt = max(self._learnt, shown)
        spoken = features.speaking[new] & (acoustic.speech[new] >= SPEECH)
        loudness_db, pitch_hz = features.loudness_db[new], features.pitch_hz[new]
        sounding = spoken & (loudness_db > SOUNDING_DB)
        self._levels.add(loudness_db[sounding] + self._level_dbfs)
        self._loudness.add(loudness_db[sounding])
        self._openings.add(opening_of(openness_of(acoustic)[new])[sounding])
        self._pitches.add(pitch_hz[sounding & (pitch_hz > 0.0)])

    def _features(self, start: int, stop: int) -> SpeechFeatures:
        """Of kept rows; those known beyond them help to decide."""
        rows = min(len(self._power), len(self._pitch_hz))
        power, noise = self._power[start:rows], self._noise[start:rows]
        voiced = self._pitch_hz[start:rows] > 0.0
        self._level_dbfs = self._level(start, power, noise, voiced)
        speaking = speaking_at_level(power, noise, voiced, self._level_dbfs)
        wanted = stop - start
        clean = np.maximum(power[:wanted] - noise[:wanted], 0.0)
        loudness_db = np.maximum(loudness_dbfs(clean) - self._level_dbfs, SILENCE_DB)
        return SpeechFeatures(
            loudness_db=loudness_db.astype(np.float32),
            speaking=speaking[:wanted],
            pitch_hz=self._pitch_hz[start:stop],
            log_mel=clean[:0],
            duration_s=wanted / CURVE_RATE_HZ,
        )

    def _level(self, start: int, power: Float32, noise: Float32, voiced: Bool) -> float:
        """Loudness that the strongest 5 % of the speech so far exceed, dBFS."""
        coming = None
        if len(self._levels) < SURE_ROWS:
            new = slice(max(0, self._learnt - self._first - start), None)
            clear = clear_rows(signal_to_noise_db(power[new], noise[new]), voiced[new])
            loud_dbfs = loudness_dbfs(power[new])[clear]
            coming = loud_dbfs[loud_dbfs > FAINT_DBFS]
        return self._levels.percentile(LEVEL_PERCENTILE, SUPPOSED_LEVEL_DBFS, coming)

    def _habit(self) -> Habit:
        """Of the speaker so far; the usual one at first."""
        share = min(1.0, len(self._openings) / (2.0 * CURVE_RATE_HZ))  # sure after two seconds
        opening = self._openings.percentile(90.0, APERTURE_P90)
        return Habit(
            aperture=APERTURE_P90 + share * (opening - APERTURE_P90),
            loudness_db=self._loudness.percentile(50.0, -8.0),
            pitch_hz=self._pitches.percentile(50.0, 160.0),
        )

    def _take_power(self, power: Float32) -> None:
        """Rows of mel power from the stream, and the noise in them."""
        noise = np.empty_like(power)
        for index in range(len(power)):
            place = (self._first + len(self._power) + index) % BLOCK_ROWS
            if place == 0:
                self._floors = (self._floors[1], self._floor())
            before, now = self._floors
            noise[index] = before + (now - before) * np.float32((place + 1) / BLOCK_ROWS)
        self._power = np.concatenate([self._power, power])
        self._noise = np.concatenate([self._noise, noise])

    def _floor(self) -> Float32:
        """The noise, from what was quietest in the last three seconds."""
        near = self._power[-REACH_BLOCKS * BLOCK_ROWS :]
        voiced = self._pitch_hz[-REACH_BLOCKS * BLOCK_ROWS :] > 0.0
        rows = min(len(near), len(voiced))
        near, voiced = near[:rows], voiced[:rows]
        sound = loudness_dbfs(near) > EMPTY_DBFS
        if sound.sum() < BLOCK_ROWS // 2:
            return self._floors[1]
        smooth = moving_mean(near[sound], LEVEL_SMOOTHING_ROWS).astype(np.float32)
        return quiet_floor(smooth, voiced[sound]) * np.float32(UNDERRATED)

    def _add_acoustic(self, acoustic: AcousticOutput) -> None:
        self._curves = np.concatenate([self._curves, acoustic.curves])
        self._classes = np.concatenate([self._classes, acoustic.classes])
        self._speech = np.concatenate([self._speech, acoustic.speech])
        self._forget()

    def _add_pitch(self) -> None:
        """Candidates of the rows whose window is there, and the path through the latest."""
        rows = (len(self._samples) - 2 * _EDGE) // SAMPLES_PER_ROW
        if rows <= 0:
            return
        # `pitch_candidates` puts silence before the first row: rows more, that are left out,
        # and takes what is beyond the last for silence
        lead = -(-_EDGE // SAMPLES_PER_ROW)
        padded = np.concatenate(
            [np.zeros(lead * SAMPLES_PER_ROW - _EDGE, np.float32), self._samples]
        )
        lags, heights = pitch_candidates(padded, rows + 2 * lead)
        wanted = slice(lead, lead + rows)
        self._lags = np.concatenate([self._lags, lags[wanted]])
        self._heights = np.concatenate([self._heights, heights[wanted]])
        self._samples = self._samples[rows * SAMPLES_PER_ROW :]
        path = slice(-max(PITCH_ROWS, rows), None)
        latest = pitch_among(self._lags[path], self._heights[path]).frequency_hz
        kept = len(self._lags) - len(latest)
        self._pitch_hz = np.concatenate([self._pitch_hz[:kept], latest])

    def _trim(self, stop: int) -> None:
        """Forget what is known from a row on."""
        rows = stop - self._first
        for name in _BY_ROW:
            setattr(self, name, getattr(self, name)[:rows])

    def _forget(self) -> None:
        """Drop rows that are too long ago."""
        spent = len(self._speech) - BEHIND_ROWS - 2 * CURVE_RATE_HZ
        if spent < CURVE_RATE_HZ:
            return
        for name in _BY_ROW:
            setattr(self, name, getattr(self, name)[spent:].copy())
        self._first += spent
