"""festival: voices of a dozen people, most of them put together from recorded diphones.

Flow      texts -> voices.festival -> corpus

Starting festival and loading a voice takes longer than a sentence, so it gets many texts at once,
as a Scheme program in the encoding of the voice.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.phone_maps import FESTIVAL_SETS, ipa_from_set
from training.utterance import Phone
from training.voices import Recording, Voice, VoiceFailed
from training.voices.wave_file import read_wave

STRETCH = (0.78, 1.02, 1.5)
"""Duration against the voice's own: fastest, most frequent, slowest. Our choice."""

_LIMIT_S = 30.0
"""For one text; the slowest voice needs a tenth of it."""

_PROGRAM = """\
(define (say text stretch path)
  (Parameter.set 'Duration_Stretch stretch)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.segs utt (string-append path ".seg"))
    (utt.save.wave utt (string-append path ".wav") 'riff)))
"""


def speak(voice: Voice, texts: Sequence[str], rng: np.random.Generator) -> Iterator[Recording]:
    """The texts in this voice, at random tempo; those that festival cannot say are left out.

    raises VoiceFailed where festival is not installed
    """
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "say.scm")
        readable = [_readable(text, voice.encoding) for text in texts]
        lines = [_PROGRAM, f"(voice_{voice.name})"]
        for number, text in enumerate(readable):
            stretch = rng.triangular(*STRETCH)
            lines.append(f'(unwind-protect (say "{text}" {stretch:.2f} "{folder}/{number}") nil)')
        program.write_text("\n".join(lines), encoding=voice.encoding)
        try:
            subprocess.run(
                ["festival", "-b", str(program)],
                capture_output=True,
                timeout=_LIMIT_S * len(texts),
                check=False,
            )
        except FileNotFoundError as error:
            raise VoiceFailed("festival is not installed (training/packages.txt)") from error
        except subprocess.TimeoutExpired:
            pass  # what was said until then is good
        for number, text in enumerate(readable):
            path = Path(folder, f"{number}.wav")
            try:
                samples, rate_hz = read_wave(path)
            except (FileNotFoundError, EOFError, wave.Error):
                continue
            listing = path.with_suffix(".seg").read_text(encoding="utf-8", errors="replace")
            yield Recording(text, samples, rate_hz, *phones_of(listing, voice.language))


def _readable(text: str, encoding: str) -> str:
    """The text as it may stand between the quotes of a Scheme string."""
    plain = text.replace("’", "'").encode(encoding, errors="ignore").decode(encoding)
    return re.sub(r'["\\]', "", plain)


def phones_of(listing: str, language: str) -> tuple[tuple[Phone, ...], tuple[str, ...]]:
    """Phones of a label file: after a line "#", lines of end time, a number and a name.

    returns  the phones, and the names that the language's set lacks
    """
    phones: list[Phone] = []
    unknown = []
    start_s = 0.0
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        end_s, name = float(fields[0]), fields[2]
        ipa = ipa_from_set(name, FESTIVAL_SETS[language])
        if ipa is None:
            unknown.append(name)
            continue
        phones.append(Phone(ipa, start_s, end_s))
        start_s = end_s
    return tuple(phones), tuple(unknown)
