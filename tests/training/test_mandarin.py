import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from training.mandarin import (
    FOR_CHOOSING,
    MEASURED,
    MandarinTake,
    mandarin_takes,
    reading,
)
from training.utterance import SYLLABLES, WORDS

pytest.importorskip("pypinyin", reason="pypinyin is not installed")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zuo2", (("z", "uo"),)),
        ("lv4", (("l", "v"),)),
        ("yu3", (("", "v"),)),
        ("qu4", (("q", "v"),)),
        ("wen1", (("", "uen"),)),
    ],
)
def test_a_syllable_is_read_from_its_pinyin(name, said):
    assert reading(name, SYLLABLES) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("龙头", (("l", "ong"), ("t", "ou"))),
        ("女儿", (("n", "v"), ("", "er"))),
        ("一点儿", (("", "i"), ("d", "ia"), ("", "er"))),
    ],
)
def test_a_word_is_read_in_its_context(name, said):
    assert reading(name, WORDS) == said


@pytest.mark.parametrize(
    ("name", "speaker"), [("_hm1", SYLLABLES), ("越_越", WORDS), ("x9", WORDS)]
)
def test_a_pattern_with_a_gap_has_no_reading(name, speaker):
    assert reading(name, speaker) == ()


def test_a_tenth_to_measure_and_a_tenth_to_choose_by_are_held_out_by_name():
    takes = [MandarinTake(f"word{n}", WORDS, (("b", "a"),), b"") for n in range(2000)]
    for tenth in (MEASURED, FOR_CHOOSING):
        assert 0.08 < np.mean([take.tenth == tenth for take in takes]) < 0.12
    assert all(t.held_out == (t.tenth in (MEASURED, FOR_CHOOSING)) for t in takes)
    assert [t.tenth for t in takes] == [t.tenth for t in takes]


def test_archives_are_read_by_name_and_the_unreadable_is_left_out(tmp_path: Path):
    with tarfile.open(tmp_path / "syllables.tar", "w") as archive:
        for name in ("cmn-zuo2.mp3", "cmn-_hm1.mp3", "cmn-ba4.mp3"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"mp3"))
    takes = list(mandarin_takes(tmp_path))
    assert [(take.name, take.speaker) for take in takes] == [
        ("ba4", SYLLABLES),
        ("zuo2", SYLLABLES),
    ]
    assert takes[0].data == b"mp3"
