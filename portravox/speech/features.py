"""Speech features: what articulation is inferred from, row by row.

Flow      media.waveform -> speech.features -> articulation
Reads     Waveform
Gives     SpeechFeatures
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.media.sample_file import GrowingRows, in_pieces
from portravox.media.waveform import Waveform
from portravox.speech import mel, pitch
from portravox.speech.activity import activity
from portravox.speech.log_mel import normalized_log_mel
from portravox.speech.loudness import loudness_dbfs
from portravox.speech.mel import BANDS, SPAN_ROWS, mel_power_in
from portravox.speech.noise import noise_power
from portravox.speech.pitch import CANDIDATES, pitch_among, pitch_candidates_in
from portravox.speech.resample import row_count, spans, speech_pieces


@dataclass(frozen=True, slots=True, eq=False)
class SpeechFeatures:
    """Of one recording, against its own speech level: a quiet copy has the same features.

    Row n is centred on the 10 ms that begin at n / 100 s.
    """

    loudness_db: Float32
    """(T,) 0 at the speech level; not below SILENCE_DB."""

    speaking: Bool
    """(T,) somebody speaks or sings; goes on for 150 ms after the last sound."""

    pitch_hz: Float32
    """(T,) 0 where unvoiced."""

    log_mel: Float32
    """(T, BANDS) normalized log-mel spectrum, with its noise; see speech.log_mel."""

    duration_s: float


SILENCE_DB = -60.0
"""Whatever lies this far below the speech level is the same silence."""


def speech_features(voice: Waveform) -> SpeechFeatures:
    """Features of a recording of any rate, one or two channels, any level."""
    rows = row_count(voice)
    spectrum, pitch_hz = _spectrum_and_pitch(voice, rows)
    noise = noise_power(spectrum, pitch_hz > 0.0)
    active = activity(spectrum, noise, pitch_hz > 0.0)
    loudness_db = np.maximum(_loudness_dbfs(spectrum, noise) - active.level_dbfs, SILENCE_DB)
    del noise
    if not active.speaking.any():
        loudness_db = np.full(rows, SILENCE_DB)
        pitch_hz = np.zeros_like(pitch_hz)
    return SpeechFeatures(
        loudness_db=loudness_db.astype(np.float32),
        speaking=active.speaking,
        pitch_hz=pitch_hz,
        log_mel=normalized_log_mel(spectrum),
        duration_s=voice.duration_s,
    )


def _loudness_dbfs(spectrum: Float32, noise: Float32) -> Float32:
    """(T,) without the noise."""
    loudness = np.zeros(len(spectrum), dtype=np.float32)
    for some in in_pieces(spectrum, noise):
        loudness[some] = loudness_dbfs(np.maximum(spectrum[some] - noise[some], 0.0))
    return loudness


def _spectrum_and_pitch(voice: Waveform, rows: int) -> tuple[Float32, Float32]:
    """(T, BANDS) mel power and (T,) pitch in Hz, of samples that are not kept."""
    lags, heights = (np.zeros((rows, CANDIDATES), dtype=np.float32) for _ in range(2))
    reach = max(mel.WINDOW_SAMPLES, pitch.WINDOW_SAMPLES)
    with GrowingRows(BANDS) as spectrum:
        for n, span in enumerate(spans(speech_pieces(voice), rows, SPAN_ROWS, reach)):
            some = slice(n * SPAN_ROWS, (n + 1) * SPAN_ROWS)
            spectrum.add(mel_power_in(span, reach))
            lags[some], heights[some] = pitch_candidates_in(span, reach)
        return spectrum.whole(), pitch_among(lags, heights).frequency_hz
