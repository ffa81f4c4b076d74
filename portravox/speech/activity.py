"""Activity: where somebody speaks or sings, and where there is only noise, breath or silence.

Flow      speech.mel, speech.noise, speech.pitch -> speech.activity -> speech.features
Reads     mel power, noise power, voiced rows
Gives     the rows in which there is a voice, and how strong it usually is
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.filters import moving_mean, without_short_gaps
from portravox.segments import segments
from portravox.speech.loudness import loudness_dbfs
from portravox.speech.mel import bands_between, decibel, power_in
from portravox.speech.resample import ROW_RATE_HZ

SUBBANDS_HZ = ((120.0, 600.0), (600.0, 1700.0), (1700.0, 3600.0), (3600.0, 7800.0))
"""Vowels stand out of noise in the lower ones, s and f in the upper ones."""

ENTER_SNR_DB, STAY_SNR_DB = 9.0, 5.0
ENTER_LEVEL_DB, STAY_LEVEL_DB = -28.0, -38.0
"""Against the noise, and against the clip's own speech level. The two thresholds of each pair
are the hysteresis: enough to begin, enough to go on. Our choice, tried on the sample voices."""

VOICED_BONUS_DB = 2.5
"""A row with a pitch may stand out less: noise has none."""

HANGOVER_ROWS = ROW_RATE_HZ * 150 // 1000
"""A voice that stops for less than this has not stopped: stops and word borders are shorter."""

RUN_UP_ROWS = 3
"""A sound begins a little before it is strong enough to be noticed."""

CLICK_ROWS = 6
"""What is shorter than 60 ms and stands alone is no syllable."""

LEVEL_PERCENTILE = 95.0
FAINT_DBFS = -70.0
"""A clip whose loud parts are below holds no voice: that is the noise of a good sound card."""

BREATH_DB = -18.0
"""A segment without any voicing that never gets above this is breath."""

VOICED_SHARE = 0.08
"""A segment that is voiced to this part cannot be noise."""

LIVELY_DB = 2.2
"""Without voicing, a voice (a whisper) still changes its spectrum: by this much, as standard
deviation over 80 ms means. Steady noise stays below 1 dB, measured; whisper is above 4."""


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """Of one recording."""

    speaking: Bool
    """(T,)"""

    level_dbfs: float
    """Loudness that the strongest 5 % of the speaking rows exceed; FAINT_DBFS if nobody speaks."""


def activity(power: Float32, noise: Float32, voiced: Bool) -> Activity:
    """Where there is a voice.

    power    (T, BANDS) mel power
    noise    (T, BANDS) its steady part
    voiced   (T,)
    """
    loud_dbfs = loudness_dbfs(power)
    snr_db = signal_to_noise_db(power, noise)
    clear = clear_rows(snr_db, voiced)
    if not clear.any():
        return Activity(np.zeros(len(power), dtype=np.bool_), FAINT_DBFS)
    # twice: segments found to be noise must not set the level for the others
    speaking = np.zeros_like(clear)
    level_dbfs = FAINT_DBFS
    counted = clear
    for _ in range(2):
        level_dbfs = float(np.percentile(loud_dbfs[counted], LEVEL_PERCENTILE))
        if level_dbfs < FAINT_DBFS:
            return Activity(np.zeros(len(power), dtype=np.bool_), FAINT_DBFS)
        speaking = _at_level(power, snr_db, loud_dbfs - level_dbfs, voiced)
        if not (speaking & clear).any():
            return Activity(speaking, FAINT_DBFS)
        counted = speaking & clear
    return Activity(_held(speaking), level_dbfs)


def speaking_at_level(power: Float32, noise: Float32, voiced: Bool, level_dbfs: float) -> Bool:
    """(T,) where there is a voice whose level is known already, as `activity` has it.

    power, noise  (T, BANDS) mel power and its steady part
    voiced        (T,)
    level_dbfs    that the loudest twentieth of its rows exceed
    """
    level_db = loudness_dbfs(power) - np.float32(level_dbfs)
    return _held(_at_level(power, signal_to_noise_db(power, noise), level_db, voiced))


def clear_rows(snr_db: Float32, voiced: Bool) -> Bool:
    """(T,) what stands out of the noise enough to be a voice."""
    clear: Bool = snr_db + VOICED_BONUS_DB * voiced >= ENTER_SNR_DB
    return clear


def _at_level(power: Float32, snr_db: Float32, level_db: Float32, voiced: Bool) -> Bool:
    """(T,) voices by two thresholds. level_db: (T,) against the speech level."""
    enter = clear_rows(snr_db, voiced) & (level_db >= ENTER_LEVEL_DB)
    stay = (snr_db >= STAY_SNR_DB) & (level_db >= STAY_LEVEL_DB)
    return _only_voices(_with_hysteresis(enter, stay), power, level_db, voiced)


def signal_to_noise_db(power: Float32, noise: Float32) -> Float32:
    """(T,) mean of the two subbands that stand out most, over 50 ms."""
    ratios = []
    for low_hz, high_hz in SUBBANDS_HZ:
        bands = bands_between(low_hz, high_hz)
        signal = moving_mean(power_in(power, bands), 5).astype(np.float32)
        ratios.append(decibel(signal) - decibel(power_in(noise, bands)))
    best_two = np.sort(np.stack(ratios), axis=0)[-2:]
    mean: Float32 = best_two.mean(axis=0)
    return mean


def _with_hysteresis(enter: Bool, stay: Bool) -> Bool:
    """Segments of `stay` (or `enter`) that hold at least one `enter`."""
    kept = np.zeros_like(enter)
    for segment in segments(stay | enter):
        kept[segment] = enter[segment].any()
    return kept


def _only_voices(found: Bool, power: Float32, level_db: Float32, voiced: Bool) -> Bool:
    """The segments less those that are clicks, breath or steady noise.

    Judged over what lies closer together than the hangover: an s before a pause and the
    vowel that it follows are one segment.
    """
    kept = np.zeros_like(found)
    for segment in segments(_closed(found)):
        rows = found[segment]
        if rows.sum() < CLICK_ROWS:
            continue
        if voiced[segment][rows].mean() < VOICED_SHARE and (
            level_db[segment].max() < BREATH_DB or _liveliness_db(power[segment]) < LIVELY_DB
        ):
            continue
        kept[segment] = rows
    return kept


def _liveliness_db(power: Float32) -> float:
    """How much the spectrum changes within a segment, less its fade in and out."""
    edge = min(10, len(power) // 4)
    inner = power[edge : len(power) - edge]
    deviations = []
    for low_hz, high_hz in SUBBANDS_HZ:
        signal = power_in(inner, bands_between(low_hz, high_hz))
        deviations.append(decibel(moving_mean(signal, 8).astype(np.float32)).std())
    return float(np.mean(deviations))


def _closed(mask: Bool) -> Bool:
    """The mask with gaps shorter than the hangover filled."""
    return without_short_gaps(mask, HANGOVER_ROWS)


def _held(mask: Bool) -> Bool:
    """The mask from a little before each segment until the hangover after it."""
    held = mask.copy()
    for segment in segments(mask):
        held[max(0, segment.start - RUN_UP_ROWS) : segment.stop + HANGOVER_ROWS] = True
    return held
