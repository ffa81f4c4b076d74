"""Loudness: how strong the voice is in each row.

Flow      speech.mel -> speech.loudness -> speech.activity, articulation
Reads     mel power
Gives     level in dBFS
"""

from __future__ import annotations

from portravox.arrays import Float32
from portravox.speech.mel import bands_between, decibel, power_in

VOICE_LOW_HZ, VOICE_HIGH_HZ = 120.0, 7800.0
"""Where a voice has its energy. Below lie hum, wind and steps."""


def loudness_dbfs(power: Float32) -> Float32:
    """Level of the part of the sound in which voices lie.

    power    (T, BANDS) mel power
    returns  (T,) dB, 0 is a full-scale square wave; at least -140
    """
    voice = bands_between(VOICE_LOW_HZ, VOICE_HIGH_HZ)
    return decibel(power_in(power, voice))
