"""flite: CMU's small synthesiser, with voices of three people and an old diphone one.

Flow      texts -> voices.flite -> corpus
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.phone_maps import ARPABET, ipa_from_set
from training.utterance import Phone
from training.voices import Recording, Voice, VoiceFailed
from training.voices.wave_file import read_wave

STRETCH = (0.72, 1.02, 1.6)
"""Duration against the voice's own: fastest, most frequent, slowest. Our choice."""

_LIMIT_S = 60.0


def speak(voice: Voice, texts: Sequence[str], rng: np.random.Generator) -> Iterator[Recording]:
    """The texts in this voice, at random tempo; a text that flite cannot say is left out.

    raises VoiceFailed where flite is not installed
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        for text in texts:
            command = [
                *("flite", "-voice", voice.name, "-psdur"),
                *("--setf", f"duration_stretch={rng.triangular(*STRETCH):.2f}"),
                *("-t", text, "-o", str(path)),
            ]
            path.unlink(missing_ok=True)
            try:
                said = subprocess.run(
                    command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
                )
            except FileNotFoundError as error:
                raise VoiceFailed("flite is not installed (training/packages.txt)") from error
            except subprocess.TimeoutExpired:
                continue
            if said.returncode == 0 and path.exists():
                samples, rate_hz = read_wave(path)
                yield Recording(text, samples, rate_hz, *phones_of(said.stdout))


def phones_of(listing: str) -> tuple[tuple[Phone, ...], tuple[str, ...]]:
    """Phones of what -psdur prints, "pau:0.246 m:0.276": names with the time of their end.

    returns  the phones, and the names that ARPABET lacks
    """
    phones: list[Phone] = []
    unknown = []
    start_s = 0.0
    for item in listing.split():
        name, colon, end = item.rpartition(":")
        if not colon:
            continue
        ipa = ipa_from_set(name, ARPABET)
        if ipa is None:
            unknown.append(name)
            continue
        phones.append(Phone(ipa, start_s, float(end)))
        start_s = float(end)
    return tuple(phones), tuple(unknown)
