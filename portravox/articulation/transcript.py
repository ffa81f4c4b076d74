"""Transcript: the words that are spoken, where the caller knows them, as phone classes.

Flow      SpokenText -> articulation.transcript -> articulation.alignment
Reads     text in any script
Gives     Transcript: words, each a sequence of PHONE_CLASSES

Chinese is read with the package pypinyin and our table from pinyin to sounds, everything else by
the program espeak-ng; both are optional, work offline and are asked for only when needed. What
cannot be read (Japanese kanji) stays as a word without sounds, which fits anything.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portravox.articulation.phones import CLASS_OF, parse_ipa
from portravox.errors import ModelUnavailable, SettingOutOfRange
from portravox.options import SpokenText

Word = tuple[str, ...]
"""PHONE_CLASSES in order; empty where it is not known how the word sounds."""


@dataclass(frozen=True, slots=True)
class Transcript(SpokenText):
    """What is said in a recording, with its words read."""

    words: tuple[Word, ...]
    """In order, as they sound; at least one has sounds."""


ESPEAK_TIMEOUT_S = 20.0

MAX_SEGMENTS = 64
"""Of a text, changes of language up to which each segment is read as it stands, by a process of its
own; a text with more is read word by word, those of one language by one process. Our choice: texts
are that long where every second letter is of another script."""

MAX_PROCESSES = 64
"""For all words of a text together: each takes some 10 ms. Our choice; words beyond what they have
read have no sounds, which fits anything."""

_SCRIPTS: Final = {
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff",
    "ja": "\u3041-\u30ff\uff66-\uff9f",
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "ru": "\u0400-\u052f",
    "el": "\u0370-\u03ff",
    "ar": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
}
"""Language -> the characters by which it is known. Other letters are Latin."""

_SHARING: Final = {
    "ar": ("ar", "fa", "ur"),
    "hi": ("hi", "mr", "ne"),
    "ru": ("ru", "uk", "bg", "be", "kk", "ky", "mk", "sr", "tt"),
}
"""Script of -> languages that are also written in it."""

_KANA: Final = re.compile(f"[{_SCRIPTS['ja']}]")
_HAN: Final = re.compile(f"[{_SCRIPTS['zh']}]")
_WRITTEN: Final = re.compile(f"[{_SCRIPTS['zh']}]|[^\\s{_SCRIPTS['zh']}]+")
_LETTER_BUT_HAN: Final = re.compile(rf"(?![{_SCRIPTS['zh']}])[^\W\d_]")
_NOT_LATIN: Final = frozenset(_SCRIPTS).union(*_SHARING.values()) - {"sr"}
_LATIN: Final = "en"
_UNREADABLE: Final = ""

_INITIALS: Final = {
    "b": "p", "p": "p", "m": "m", "f": "f", "d": "t", "t": "t", "n": "n", "l": "l", "g": "k",
    "k": "k", "h": "x", "j": "tɕ", "q": "tɕ", "x": "ɕ", "zh": "tʂ", "ch": "tʂ", "sh": "ʂ",
    "r": "ʐ", "z": "ts", "c": "ts", "s": "s", "": "",
}  # fmt: skip
_FINALS: Final = {
    "a": "a", "o": "o", "e": "ɤ", "i": "i", "u": "u", "v": "y", "ai": "ai", "ei": "ei",
    "ao": "au", "ou": "ou", "an": "an", "en": "ən", "ang": "aŋ", "eng": "əŋ", "ong": "uŋ",
    "er": "ɚ", "ia": "ja", "ie": "jɛ", "iao": "jau", "iou": "jou", "ian": "jɛn", "in": "in",
    "iang": "jaŋ", "ing": "iŋ", "iong": "juŋ", "io": "jo", "ua": "wa", "uo": "wo", "uai": "wai",
    "uei": "wei", "uan": "wan", "uen": "wən", "uang": "waŋ", "ueng": "wəŋ", "ve": "ɥɛ",
    "van": "ɥɛn", "vn": "yn", "ê": "ɛ", "m": "m", "n": "n", "ng": "ŋ",
}  # fmt: skip
"""Pinyin, as the scheme of 1958 spells initials and finals in full, to IPA. Aspiration and tone
are not seen on the lips."""

_HISSING = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))
"""After these, pinyin's i is a hum behind the teeth."""

_INNER: Final = re.compile(r"\w(?:.*\w)?", re.DOTALL)
"""A word without the marks around it. One search from the first letter: `\\W+$` would be tried at
each mark within."""

_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")


def read_transcript(text: str, language: str | None = None) -> Transcript:
    """How the words of a text sound.

    language  ISO 639 code of what is written in Latin letters (default English) or in a script
              that several languages share; others are known by their script

    Raises SettingOutOfRange where there is nothing to read, ModelUnavailable where pypinyin or
    espeak-ng is needed and missing.
    """
    SpokenText(text, language)  # refuses what has no words
    words: list[Word] = []
    pieces = list(_pieces(text, language.lower() if language else None))
    if len(pieces) > MAX_SEGMENTS:
        written = [word for word in _WRITTEN.findall(text) if _bare(word)]
        words = [word for reading in read_words(written, language) for word in reading]
        pieces = []
    for spoken, piece in pieces:
        if spoken == "zh":
            words.extend(_chinese(piece))
        elif spoken == _UNREADABLE:
            words.append(())
        else:
            words.extend(_by_espeak(piece, spoken))
    if not any(words):
        raise SettingOutOfRange("transcript", text[:40], "words that can be read")
    return Transcript(text, language, tuple(words))


def read_words(words: Sequence[str], language: str | None = None) -> list[tuple[Word, ...]]:
    """How each written word sounds, by itself: a number sounds like several words.

    words   each with letters or digits, in order; Chinese letter by letter

    Raises SettingOutOfRange, ModelUnavailable as `read_transcript`.
    """
    text = "".join(words)  # with spaces it could be longer than the text they are from
    SpokenText(text, language)
    chosen = language.lower() if language else None
    japanese = chosen == "ja" or _KANA.search(text) is not None
    spoken = [_language_of_word(word, chosen, japanese) for word in words]
    readings: list[tuple[Word, ...]] = [((),)] * len(words)
    processes = iter(range(MAX_PROCESSES))
    for each in dict.fromkeys(spoken):
        places = [at for at, of in enumerate(spoken) if of == each and _bare(words[at])]
        if each == "zh":
            letters = ["".join(_HAN.findall(words[at])) for at in places]
            read = list(_chinese("".join(letters)))
            if len(read) == len(places):  # a letter each; context tells how it is read
                for at, word in zip(places, read, strict=True):
                    readings[at] = (word,)
        elif each != _UNREADABLE:
            bare = [_bare(words[at]) for at in places]
            found = _each_by_espeak(bare, each, processes)
            for at, reading in zip(places, found, strict=True):
                readings[at] = reading
    return readings


def _language_of_word(word: str, language: str | None, japanese: bool) -> str:
    found = (_language_of(letter, language, japanese) for letter in word)
    return next((spoken for spoken in found if spoken is not None), language or _LATIN)


def _bare(word: str) -> str:
    """Without the marks around it; empty where there is nothing else."""
    found = _INNER.search(word)
    return found[0] if found is not None else ""


def _each_by_espeak(
    words: Sequence[str], language: str, processes: Iterator[int]
) -> list[tuple[Word, ...]]:
    """Of words without marks around them. A blank line ends what espeak-ng reads in one go, so it
    writes a line for each word; where it does not, the halves are read by themselves.

    processes   gives a number for each that may still be started
    """
    if next(processes, None) is None:
        return [((),)] * len(words)
    lines = [line for line in _espeak("\n\n".join(words), language).splitlines() if line.strip()]
    if len(words) == 1:
        lines = [" ".join(lines)]
    if len(lines) == len(words):
        return [tuple(_classes(word) for word in line.split()) or ((),) for line in lines]
    half = len(words) // 2
    return [
        *_each_by_espeak(words[:half], language, processes),
        *_each_by_espeak(words[half:], language, processes),
    ]


def language_of(text: str) -> str:
    """ISO 639 code of the script in which a text begins; "en" for Latin letters."""
    # By its first letter: a server asks this of every text while others wait.
    japanese = _KANA.search(text) is not None
    letters = (_language_of(letter, None, japanese) for letter in text)
    return next((spoken for spoken in letters if spoken is not None), _LATIN) or "ja"


def missing_readers(text: str, language: str | None = None) -> tuple[str, ...]:
    """What this machine lacks to read a text: of "pypinyin" and "espeak-ng"."""
    base = (language or "").lower().split("-")[0]
    japanese = base == "ja" or _KANA.search(text) is not None
    missing = []
    if not japanese and _HAN.search(text) and importlib.util.find_spec("pypinyin") is None:
        missing.append("pypinyin")
    if _LETTER_BUT_HAN.search(text) and shutil.which("espeak-ng") is None:
        missing.append("espeak-ng")
    return tuple(missing)


def _pieces(text: str, language: str | None) -> Iterator[tuple[str, str]]:
    """(language, text) of each segment in one language; the language is "" where none can read it.

    Digits, marks and spaces belong to the letter before them, or to the first.
    """
    japanese = language == "ja" or _KANA.search(text) is not None
    letters = ((at, _language_of(letter, language, japanese)) for at, letter in enumerate(text))
    starts = [(at, spoken) for at, spoken in letters if spoken is not None]
    if not starts:
        starts = [(0, language or _LATIN)]
    begin, spoken = 0, starts[0][1]
    for at, other in starts:
        if other != spoken:
            yield spoken, text[begin:at]
            begin, spoken = at, other
    yield spoken, text[begin:]


def _language_of(letter: str, language: str | None, japanese: bool) -> str | None:
    """Of a letter; "" if it cannot be read, None if it is no letter."""
    if not letter.isalpha():
        return None
    base = (language or "").split("-")[0]
    for script, span in _SCRIPTS.items():
        if re.match(f"[{span}]", letter):
            if script == "zh" and japanese:
                return _UNREADABLE
            return language if language and base in _SHARING.get(script, ()) else script
    return language if language and base not in _NOT_LATIN else _LATIN


def _chinese(text: str) -> Iterator[Word]:
    """A word for each character."""
    try:
        import pypinyin
    except ImportError as error:
        raise ModelUnavailable(
            "a Chinese transcript is read with pypinyin, which is not installed;"
            " `pip install pypinyin`, or leave the transcript out"
        ) from error
    # punctuation tells which reading a character has; what is no character is left out after
    read = text.translate(_DIGITS)
    initials, finals = (
        pypinyin.lazy_pinyin(read, style=style, strict=True, errors=list)
        for style in (pypinyin.Style.INITIALS, pypinyin.Style.FINALS)
    )
    for initial, final in zip(initials, finals, strict=True):
        word = pinyin_word(initial, final)
        if word or initial.isalpha():
            yield word


def pinyin_word(initial: str, final: str) -> Word:
    """The sounds of a syllable; none where it is no pinyin."""
    return _classes(pinyin_ipa(initial, final))


def pinyin_ipa(initial: str, final: str) -> str:
    """A syllable of Mandarin in IPA letters; empty where it is no pinyin.

    initial, final  as the scheme of 1958 spells them in full; "v" is ü
    """
    if initial not in _INITIALS or final not in _FINALS:
        return ""
    hum = final == "i" and initial in _HISSING
    return _INITIALS[initial] + ("ɨ" if hum else _FINALS[final])


def _by_espeak(text: str, language: str) -> Iterator[Word]:
    for word in _espeak(text, language).split():
        yield _classes(word)


def _espeak(text: str, language: str) -> str:
    """A text in IPA letters, as espeak-ng reads it."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise ModelUnavailable(
            f"a transcript in {language!r} is read by the program espeak-ng, which is not"
            " installed; `apt-get install espeak-ng`, or leave the transcript out"
        )
    command = [program, "-q", "--ipa", "-b", "1", "-v", language, "--stdin"]
    try:
        told = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=ESPEAK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelUnavailable(f"espeak-ng fails: {error}") from error
    if told.returncode or not told.stdout:
        raise SettingOutOfRange("language", language, "one that espeak-ng speaks")
    # (en)word(fr) says that it fell back on another language
    return re.sub(r"\([^)]*\)", " ", told.stdout.decode("utf-8", "replace"))


def _classes(ipa: str) -> Word:
    return tuple(CLASS_OF[symbol] for symbol in parse_ipa(ipa))
