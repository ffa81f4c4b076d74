"""Spectrum -> mouth, by the rules of phonetics: raw curves, row by row, not yet smooth.

Flow      speech.features -> rules.spectral -> rules.curves
Reads     RuleFeatures
Gives     RawCurves

The wider the mouth, the more comes out of it, and most so around the formants: energy from 500 to
3400 Hz follows the opening between the lips through vowels, glides, nasals and fricatives alike.
Where the second formant lies tells spread lips from rounded ones. The corner points of the ramps
are our choice, after looking at the levels of each phone in real English.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from benchmarks.articulation.rules.features import RuleFeatures
from portravox.arrays import AnyFloat, Float32
from portravox.speech.features import SILENCE_DB
from portravox.speech.mel import bands_between

MURMUR_HZ = (120.0, 500.0)
"""What is left of the voice when the mouth is shut."""

OPEN_HZ = (500.0, 1700.0)
"""First formant of open vowels, second of back and central ones."""

FRONT_HZ = (1700.0, 3400.0)
"""Second and third formant of front vowels; empty in u, o, w, whose lips are nearly shut."""

BACK_HZ = (250.0, 1100.0)
"""Both formants of u, o, w."""

HISS_HZ, VOICE_HZ = (2400.0, 7800.0), (200.0, 1500.0)
"""s and sh (and what the telephone leaves of them) are stronger in the first than in the second;
vowels, also whispered ones, are not."""

FRICTION_HZ = (3400.0, 7800.0)
"""f and v, where little else disturbs."""

ROUNDING_NARROWS = 0.2
"""Lips around o are nearer to each other than around the equally loud a."""

SMOOTHING_ROWS = 3
USUAL_PERCENTILE = 90.0


@dataclass(frozen=True, slots=True, eq=False)
class RawCurves:
    """(T,) each, 0..1, as CHANNELS of articulation.curves says."""

    jaw: Float32
    aperture: Float32
    spread: Float32
    rounding: Float32
    labiodental: Float32
    tongue: Float32


def band_level_db(
    features: RuleFeatures, span_hz: tuple[float, float], smoothing_rows: int = SMOOTHING_ROWS
) -> Float32:
    """(T,) level of a range of the spectrum; 0 dB is the clip's speech level."""
    power = features.power[:, bands_between(*span_hz)].sum(axis=1)
    smooth = ndimage.uniform_filter1d(power, smoothing_rows, mode="nearest")
    floor = 10.0 ** (SILENCE_DB / 10.0)
    level_db: Float32 = (10.0 * np.log10(np.maximum(smooth, floor))).astype(np.float32)
    return level_db


def ramp(value: AnyFloat, low: float, high: float) -> Float32:
    """0 at low, 1 at high, straight in between; low may be the larger one."""
    share: Float32 = np.clip((value - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return share


def raw_curves(features: RuleFeatures) -> RawCurves:
    """What the spectrum of each row says by itself."""
    if not features.speaking.any():
        rest = np.zeros_like(features.loudness_db)
        return RawCurves(rest, rest, rest, rest, rest, rest)
    murmur_db = band_level_db(features, MURMUR_HZ)
    open_db = band_level_db(features, OPEN_HZ)
    front_db = band_level_db(features, FRONT_HZ)
    sounding = ramp(features.loudness_db, -36.0, -24.0)

    # microphones and telephones tilt the spectrum: each band is held against its own loud level,
    # within what tilt can explain, or a clip of nothing but /i/ would look like /a/
    open_share = ramp(_against_usual_db(features, open_db, -16.0, -3.0), -34.0, 0.0)
    front_share = ramp(_against_usual_db(features, front_db, -30.0, -8.0), -34.0, 0.0)
    # a low first formant, or a murmur alone: closed vowels, nasals, voiced stops
    mouth_db = 10.0 * np.log10(10.0 ** (open_db / 10.0) + 10.0 ** (front_db / 10.0))
    unmuffled = ramp(mouth_db - murmur_db, -24.0, -4.0)
    # teeth nearly meet behind s and sh, however loud these are
    hiss_db = band_level_db(features, HISS_HZ)
    hissing = ramp(hiss_db - band_level_db(features, VOICE_HZ), 0.0, 10.0)
    sibilant = hissing * ramp(hiss_db, -36.0, -24.0)
    aperture = 0.5 * (open_share + front_share) * (0.4 + 0.6 * unmuffled)
    aperture = aperture * (1.0 - sibilant) + np.minimum(aperture, 0.2) * sibilant
    jaw = (0.75 * open_share + 0.25 * front_share) * (0.4 + 0.6 * unmuffled) * (1.0 - sibilant)

    rounding, spread = _rounding_and_spread(features, sibilant)
    aperture = aperture * (1.0 - ROUNDING_NARROWS * rounding)
    return RawCurves(
        jaw=jaw * sounding,
        aperture=aperture * sounding,
        spread=spread * sounding,
        rounding=rounding * sounding,
        labiodental=_labiodental(features, sibilant) * features.speaking,
        tongue=_tongue(features, sibilant) * sounding,
    )


def _against_usual_db(
    features: RuleFeatures, level_db: Float32, lowest_db: float, highest_db: float
) -> Float32:
    usual_db = float(np.percentile(level_db[features.speaking], USUAL_PERCENTILE))
    return level_db - np.float32(np.clip(usual_db, lowest_db, highest_db))


def _rounding_and_spread(features: RuleFeatures, sibilant: Float32) -> tuple[Float32, Float32]:
    """From the second formant: low for o and u, high for e and i.

    Its height is told by the balance of what lies around it: 1.7-3 kHz against 250-1100 Hz, where
    it is in u and o, and 1-1.5 kHz, where it is in between.
    """
    back_db = band_level_db(features, BACK_HZ)
    middle_db = band_level_db(features, (1000.0, 1500.0))
    fronted_db = band_level_db(features, (1700.0, 3000.0)) - 0.5 * (back_db + middle_db)
    voiced = features.pitch_hz > 0.0
    if voiced.sum() >= 20:
        # -12 dB is usual in real English; up to 6 dB of the difference is put down to tilt
        fronted_db = fronted_db - np.float32(
            np.clip(float(np.median(fronted_db[voiced])) + 12.0, -6.0, 6.0)
        )
    vowel = ramp(back_db, -26.0, -14.0)
    # in nasals too little is left above the murmur to speak of a second formant
    formants = ramp(band_level_db(features, (600.0, 1300.0)), -32.0, -20.0)
    # back but open, as in "father": the first formant is high, and the lips are not rounded
    open_db = band_level_db(features, (700.0, 1300.0)) - band_level_db(features, (200.0, 650.0))
    rounding = ramp(fronted_db, -13.0, -23.0) * vowel * formants * ramp(open_db, 3.0, -5.0)
    spread = np.maximum(ramp(fronted_db, -11.0, 2.0) * vowel, 0.6 * sibilant)
    return rounding, spread.astype(np.float32)


def _labiodental(features: RuleFeatures, sibilant: Float32) -> Float32:
    """f and v: weak friction, spread over the whole spectrum, without the peak of s and sh."""
    low_db = band_level_db(features, (300.0, 1200.0), 5)
    middle_db = band_level_db(features, (1500.0, 3400.0), 5)
    friction_db = band_level_db(features, FRICTION_HZ, 5)
    weak = ramp(np.maximum(middle_db, friction_db), -24.0, -32.0)
    audible = ramp(friction_db, -50.0, -42.0)
    frictional = ramp(friction_db - low_db, -10.0, -2.0)
    flat = ramp(np.abs(friction_db - middle_db), 12.0, 5.0)
    return weak * audible * frictional * flat * (1.0 - sibilant)


def _tongue(features: RuleFeatures, sibilant: Float32) -> Float32:
    """Consonants between vowels: dips of what comes out of the mouth, 40 to 160 ms long."""
    mouth_db = band_level_db(features, (700.0, 3800.0))
    dip_db = ndimage.grey_closing(mouth_db, 20) - mouth_db
    return ramp(dip_db, 8.0, 20.0) * (1.0 - sibilant) * np.float32(0.8)
