"""espeak-ng: a formant synthesiser for a hundred languages, through its C library.

Flow      texts -> voices.espeak -> corpus

Its sound is computed, not recorded; for most languages of the corpus it is the only voice there
is. Speakers are told apart by "variants": settings of formants, pitch and breath.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from portravox.arrays import Float32
from portravox.articulation.phones import SILENCE, parse_ipa
from training.phone_maps import ipa_from_espeak
from training.utterance import Phone
from training.voices import Recording, Voice, VoiceFailed

VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt",
    "klatt2", "klatt3", "klatt4", "klatt6", "Andy", "Annie", "belinda", "steph", "steph2", "linda",
    "Michael", "Mike", "Gene", "Gene2", "Lee", "Diogo", "Marco", "Mario", "Hugo", "Denis",
    "Alicia", "Andrea", "Jacky", "Henrique", "adam", "anika", "antonio", "aunty", "benjamin",
    "boris", "david", "edward", "grandma", "grandpa", "iven", "iven2", "john", "max", "michel",
    "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby",
    "travis", "victor", "zac", "kaukovalta", "Nguyen", "RicishayMax", "caleb", "ed", "marcelo",
)  # fmt: skip
"""Those of libespeak-ng's data that sound like people; robots and whisperers are left out."""

RATE_WPM = (105, 165, 260)
"""Words per minute: slowest, most frequent, fastest."""

PITCH = (15, 85)
PITCH_RANGE = (20, 90)
"""Of 0..100; 50 is the variant's own."""

_STOP_GAP_S = 0.09
_OTHER_GAP_S = 0.06
"""Silence this short before a stop is the stop's closure; before other sounds it belongs to the
sound before it. Longer silence is a pause."""

_STOP_LETTERS = frozenset("ptkqcʈbdɡɟɖɢ")
"""First letters of stops and affricates."""

_QUIET_DB = -50.0
_LONGEST_CLOSURE_S = 0.15
_LARGEST_SHARE = 0.8
"""What may be taken off the phone before a stop as its closure: sound this far below the
loudest, so long, and so much of the phone."""

# espeak-ng/speak_lib.h
_SYNCHRONOUS = 2
_PHONE_EVENTS_IN_IPA = 3
_UTF8 = 1
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_EVENT_END, _EVENT_PHONE = 0, 7


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("phone", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Library:
    """libespeak-ng, of which a process can hold one: it keeps the voice in global state."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise VoiceFailed("libespeak-ng is not installed (training/packages.txt)") from error
        self.rate_hz: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, None, _PHONE_EVENTS_IN_IPA
        )
        if self.rate_hz <= 0:
            raise VoiceFailed("libespeak-ng finds no data (package espeak-ng-data)")
        self._sound: list[bytes] = []
        self._phones: list[tuple[int, str]] = []
        self._callback = _Callback(self._receive)  # kept: the library holds only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        at = 0
        while events[at].type != _EVENT_END:
            if events[at].type == _EVENT_PHONE:
                # a name may be cut in the middle of a letter, after 8 bytes
                name = bytes(events[at].id.phone).decode("utf-8", errors="ignore")
                self._phones.append((events[at].sample, name))
            at += 1
        if count > 0:
            self._sound.append(ctypes.string_at(samples, 2 * count))
        return 0

    def choose(self, name: str) -> bool:
        """Set the voice; False where there is none of this name."""
        return bool(self._library.espeak_SetVoiceByName(name.encode()) == 0)

    def say(
        self, text: str, rate_wpm: int, pitch: int, pitch_range: int
    ) -> tuple[np.ndarray[Any, np.dtype[np.int16]], list[tuple[int, str]]]:
        """Samples, and each phone's first sample and name."""
        self._sound.clear()
        self._phones.clear()
        for parameter, value in (
            (_PARAMETER_RATE, rate_wpm),
            (_PARAMETER_PITCH, pitch),
            (_PARAMETER_RANGE, pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        letters = text.encode()
        self._library.espeak_Synth(letters, len(letters) + 1, 0, 1, 0, _UTF8, None, None)
        return np.frombuffer(b"".join(self._sound), np.int16), list(self._phones)


_library = cache(_Library)


def speak(voice: Voice, texts: Sequence[str], rng: np.random.Generator) -> Iterator[Recording]:
    """The texts in this language, each by a random variant at random tempo and pitch.

    raises VoiceFailed where the library or the language is missing
    """
    library = _library()
    for text in texts:
        variant = VARIANTS[rng.integers(len(VARIANTS))]
        if not library.choose(f"{voice.name}+{variant}" if variant else voice.name):
            raise VoiceFailed(f"espeak-ng has no voice {voice.name!r} or variant {variant!r}")
        samples, events = library.say(
            text,
            int(rng.triangular(*RATE_WPM)),
            int(rng.integers(*PITCH)),
            int(rng.integers(*PITCH_RANGE)),
        )
        if not len(samples):
            continue
        sound = samples.astype(np.float32) / 32768.0
        starts = [(sample / library.rate_hz, name) for sample, name in events]
        phones, unknown = phones_of(starts, len(sound) / library.rate_hz)
        phones = with_closures(phones, sound, library.rate_hz)
        yield Recording(text, sound, library.rate_hz, phones, unknown)


def phones_of(
    events: Sequence[tuple[float, str]], end_s: float
) -> tuple[tuple[Phone, ...], tuple[str, ...]]:
    """Phones of the library's events; its short silences are given to the sounds they belong to.

    events   each phone's start in seconds and its name; silence has an empty one
    end_s    where the sound ends
    returns  the phones from 0 to end_s, and the names that cannot be read
    """
    phones: list[Phone] = []
    unknown = []
    begun_s: float | None = None  # of a stop whose closure came as silence before it
    if events and events[0][0] > 0.0:
        phones.append(Phone(SILENCE, 0.0, events[0][0]))
    for at, (start_s, name) in enumerate(events):
        last = at + 1 == len(events)
        stop_s = end_s if last else events[at + 1][0]
        if stop_s <= start_s:
            continue
        ipa = ipa_from_espeak(name)
        if ipa is None:
            unknown.append(name)
            continue
        length_s = stop_s - start_s
        if ipa == SILENCE and phones and not last:
            if length_s < _STOP_GAP_S and _starts_with_stop(
                ipa_from_espeak(events[at + 1][1]) or ""
            ):
                begun_s = start_s if begun_s is None else begun_s
                continue
            if length_s < _OTHER_GAP_S:
                before = phones.pop()
                phones.append(Phone(before.ipa, before.start_s, stop_s))
                continue
        phones.append(Phone(ipa, start_s if begun_s is None else begun_s, stop_s))
        begun_s = None
    return tuple(phones), tuple(unknown)


def with_closures(phones: Sequence[Phone], sound: Float32, rate_hz: int) -> tuple[Phone, ...]:
    """The phones, each stop beginning where the sound before it falls silent.

    In most languages espeak-ng announces a stop when it bursts and counts the closure to the
    vowel before; the sound there is next to zero, for it is computed.

    sound  (N,) from which the phones come
    """
    quiet = np.abs(sound) < 10.0 ** (_QUIET_DB / 20.0) * np.abs(sound).max(initial=0.0)
    given = list(phones)
    for at in range(1, len(given)):
        before, stop = given[at - 1], given[at]
        if before.ipa == SILENCE or not _starts_with_stop(stop.ipa):
            continue
        reach_s = min(_LONGEST_CLOSURE_S, _LARGEST_SHARE * (before.end_s - before.start_s))
        span = quiet[round((stop.start_s - reach_s) * rate_hz) : round(stop.start_s * rate_hz)]
        silent_s = (int(np.argmin(span[::-1])) if not span.all() else len(span)) / rate_hz
        given[at - 1] = Phone(before.ipa, before.start_s, stop.start_s - silent_s)
        given[at] = Phone(stop.ipa, stop.start_s - silent_s, stop.end_s)
    return tuple(given)


def _starts_with_stop(ipa: str) -> bool:
    symbols = parse_ipa(ipa)
    return bool(symbols) and symbols[0][0] in _STOP_LETTERS
