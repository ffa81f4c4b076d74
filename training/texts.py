"""Texts: what the voices of the corpus say, in each language.

Flow      Debian's fortunes and word lists -> texts -> voices

Sentences of a living language where Debian has some; else, and mixed in, words drawn at random
and syllables put together at random. Sense does not matter, for the network knows only sounds;
what matters is that lip sounds are frequent, beside all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from portravox.errors import FileMissing

FORTUNES: Final = Path("/usr/share/games/fortunes")
WORD_LISTS: Final = Path("/usr/share/dict")

_FORTUNE_FILES: Final = {
    "en": "computers literature people wisdom love humorists politics science cookie riddles work "
    "education law men-women medicine pets sports songs-poems",
    "de": "de", "es": "es", "it": "it", "ru": "ru", "cs": "cs", "pl": "pl", "pt": "brasil",
    "zh": "chinese tang300 song100",
}  # fmt: skip
"""Files, or folders of files, under FORTUNES."""

_WORD_FILES: Final = {
    "en": "american-english", "fr": "french", "nl": "dutch", "sv": "swedish", "it": "italian",
    "es": "spanish", "de": "ngerman", "pt": "portuguese", "ca": "spanish",
}  # fmt: skip
"""Catalan borrows Spanish words: letters that its voice can read."""

_SYLLABLES: Final = {
    "ja": (
        "か き く け こ さ し す せ そ た ち つ て と な に の は ひ ふ ふ へ ほ ま み む め も "
        "ま み む め も や ゆ よ ら り る れ ろ わ が ぐ げ ご ざ じ ぜ ぞ だ で ど ば び ぶ べ ぼ "
        "ば び ぶ ぱ ぴ ぷ ぺ ぽ ぱ ぷ あ い う う え お お "
        "きゃ しゅ しょ ちょ にゃ りょ ぎゅ じゃ びょ ぴょ みゃ ひゅ",
        "",
        "- - - - ん う い っか った っぱ んぽ んば",
    ),
    "ar": (
        "ب ب ب م م م ف ف و و ت د ن ل ر س ز ش ج ك ق ح خ ع غ ه ي ث ذ ط ص ض",
        "َ ِ ُ َا ِي ُو ُو",
        "- - - بْ مْ فْ نْ لْ رْ سْ دْ تْ",
    ),
    "hi": (
        "प प फ ब ब भ म म व व क ख ग घ च छ ज झ ट ड त थ द ध न य र ल श स ह",
        "- ा ि ी ु ू े ै ो ौ ु ो",
        "- - - - ं न म ल र प ब",
    ),
    "te": (
        "ప ప ఫ బ బ భ మ మ వ వ క గ చ జ ట డ త థ ద ధ న య ర ల ళ శ స హ",
        "- ా ి ీ ు ూ ె ే ొ ో ు ో",
        "- - - ం",
    ),
    "fi": (
        "p p v v m m h j k l n r s t - f b d",
        "a o u e i ä ö y aa oo uu ee ii ää öö yy ai au uo ie yö äy ou",
        "- - - n l r s t mp pp kk tt mm",
    ),
    "tr": (
        "p p b b m m f v v k g t d n l r s z ş ç c h y",
        "a e ı i o ö u ü o u",
        "- - - n l r m k t p ş f v",
    ),
}  # fmt: skip
"""Language -> onsets, vowels, endings to draw from; what is written twice comes twice as often,
"-" stands for nothing."""

_SHARED_SCRIPT: Final = {"mr": "hi"}

_HANGUL_FIRST: Final = 0xAC00
_HANGUL_ONSETS: Final = (0, 2, 3, 5, 6, 6, 7, 7, 8, 8, 9, 11, 12, 14, 15, 16, 17, 17, 18)
"""ㄱ ㄴ ㄷ ㄹ ㅁ ㅁ ㅂ ㅂ ㅃ ㅃ ㅅ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅍ ㅎ as numbered in Unicode's syllables."""
_HANGUL_VOWELS: Final = (0, 1, 4, 5, 6, 8, 8, 9, 11, 13, 13, 16, 18, 20)
_HANGUL_ENDINGS: Final = (0, 0, 0, 0, 1, 4, 8, 16, 16, 17, 21)

_LIP_LETTERS: Final = "pbmfvwuoпбмфвуо"

_SHORTEST, _LONGEST = 20, 110
"""Letters in a sentence: two to eight seconds of speech."""

_SENTENCE_SHARE: Final = 0.6
"""Of texts where a language has both sentences and words; our choice."""


def texts(language: str, rng: np.random.Generator) -> Iterator[str]:
    """Texts in a language without end, each time others.

    language  ISO 639-1; Mandarin comes in pinyin with tone digits ("ni3 hao3")
    raises    FileMissing where Debian's texts are not installed, KeyError for a language that
              we have nothing for
    """
    if language == "zh":
        for text in _mixed(_chinese_lines(), _pinyin_syllables, rng):
            yield _pinyin(text)
    elif language == "ko":
        while True:
            yield _phrase(lambda: _hangul_syllable(rng), rng)
    elif (script := _SHARED_SCRIPT.get(language, language)) in _SYLLABLES:
        while True:
            yield _phrase(lambda: _syllable(script, rng), rng)
    elif language not in _WORD_FILES:
        yield from _shuffled(_sentences(language), rng)
    elif language not in _FORTUNE_FILES:
        while True:
            yield _words(language, rng)
    else:
        yield from _mixed(_sentences(language), lambda r: _words(language, r), rng)


def _mixed(
    sentences: tuple[str, ...],
    made: Callable[[np.random.Generator], str],
    rng: np.random.Generator,
) -> Iterator[str]:
    """Sentences in random order, with texts made up in between."""
    for sentence in _shuffled(sentences, rng):
        while rng.random() > _SENTENCE_SHARE:
            yield made(rng)
        yield sentence


def _shuffled(sentences: tuple[str, ...], rng: np.random.Generator) -> Iterator[str]:
    while True:
        for at in rng.permutation(len(sentences)):
            yield sentences[at]


@cache
def _sentences(language: str) -> tuple[str, ...]:
    """Sentences of the language's fortunes that a synthesiser can read: no code, no lists."""
    found = []
    for text in _fortunes(language):
        for piece in re.split(r"(?<=[.!?])\s", re.sub(r"\s+", " ", text)):
            if re.search(r"\d{3}|[_@{}<>|=*/\\]|--|http", piece):
                continue
            sentence = re.sub(r"[^\w\s,.!?'’-]", "", piece).strip(" -'’")
            if _SHORTEST < len(sentence) < _LONGEST:
                found.append(sentence)
    return tuple(dict.fromkeys(found))


def _fortunes(language: str) -> Iterator[str]:
    """The quotations of a language's files, as they stand."""
    for name in _FORTUNE_FILES[language].split():
        path = FORTUNES / name
        if not path.exists():
            raise FileMissing(path, "Debian's fortunes are not installed (training/packages.txt)")
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.suffix in {".dat", ".u8"} or file.is_dir():
                continue
            yield from re.split(r"\n%+\n", file.read_text(encoding="utf-8", errors="ignore"))


def _words(language: str, rng: np.random.Generator) -> str:
    """A row of words drawn at random; those with lip sounds come more often."""
    words, chances = _word_list(language)
    count = int(rng.integers(3, 9))
    return " ".join(words[at] for at in np.searchsorted(chances, rng.random(count)))


@cache
def _word_list(language: str) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Words of a language, and the sum of the chances up to each."""
    path = WORD_LISTS / _WORD_FILES[language]
    if not path.exists():
        raise FileMissing(path, "Debian's word lists are not installed (training/packages.txt)")
    try:
        lines = path.read_text(encoding="utf-8").split()
    except UnicodeDecodeError:  # Debian's Swedish list
        lines = path.read_text(encoding="iso-8859-1").split()
    words = tuple(word for word in lines if word.isalpha() and word.islower() and len(word) < 13)
    weights = [1.0 + sum(letter in _LIP_LETTERS for letter in word) for word in words]
    sums = np.cumsum(weights)
    return words, sums / sums[-1]


def _phrase(syllable: Callable[[], str], rng: np.random.Generator) -> str:
    """Three to six words of two to four syllables, sometimes with a comma between them."""
    words = [
        "".join(syllable() for _ in range(rng.integers(2, 5))) for _ in range(rng.integers(3, 7))
    ]
    if rng.random() < 0.3:
        words[len(words) // 2] += ","
    return " ".join(words)


def _syllable(script: str, rng: np.random.Generator) -> str:
    parts = (rng.choice(choices.split()) for choices in _SYLLABLES[script] if choices)
    return "".join(part for part in parts if part != "-")


def _hangul_syllable(rng: np.random.Generator) -> str:
    """Unicode numbers Korean syllables by onset, vowel (21 of them) and ending (28)."""
    onset, vowel = rng.choice(_HANGUL_ONSETS), rng.choice(_HANGUL_VOWELS)
    return chr(_HANGUL_FIRST + (onset * 21 + vowel) * 28 + rng.choice(_HANGUL_ENDINGS))


@cache
def _chinese_lines() -> tuple[str, ...]:
    """Lines of Chinese prose and poems."""
    found = []
    for text in _fortunes("zh"):
        for line in re.split(r"[。！？；\n]", re.sub("\x1b" + r"\[\d*m", "", text)):
            hanzi = re.sub(r"[^\u4e00-\u9fff，]", "", line).strip("，")
            if 5 <= len(hanzi) <= 26:
                found.append(hanzi)
    return tuple(dict.fromkeys(found))


def _pinyin(text: str) -> str:
    """Chinese letters as syllables with tone digits, "xiao3 xin1 , huo3 che1"; Latin ones stay."""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    return " ".join(syllables).replace("，", ",")


def _pinyin_syllables(rng: np.random.Generator) -> str:
    """A row of Mandarin syllables, each of the language as often as any other.

    Running text is mostly de, shi, yi; rare syllables show the network ü, o beside uo, and lip
    sounds before every vowel.
    """
    every, labial = _pinyin_inventory()
    pools = [labial if rng.random() < 0.45 else every for _ in range(rng.integers(5, 13))]
    return " ".join(pool[rng.integers(len(pool))] for pool in pools)


@cache
def _pinyin_inventory() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All syllables with tone digits, and of these the ones with lip sounds or rounded vowels."""
    from pypinyin import pinyin_dict
    from pypinyin.contrib.tone_convert import to_tone3

    marked = {readings.split(",")[0] for readings in pinyin_dict.pinyin_dict.values()}
    every = sorted(to_tone3(syllable, neutral_tone_with_five=True) for syllable in marked)
    readable = [syllable for syllable in every if re.fullmatch(r"[a-z]{1,6}[1-5]", syllable)]
    labial = [s for s in readable if s[0] in "bpmfw" or "v" in s or "yu" in s or "uo" in s]
    return tuple(readable), tuple(labial)
