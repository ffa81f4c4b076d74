"""Syllables are read from their names in Bopomofo."""

from pathlib import Path

import pytest

from training.gcin_voice import FILE, gcin_takes
from training.utterance import LIU

pytest.importorskip("pypinyin")


def _syllables(folder: Path, *names: str) -> dict[str, tuple[tuple[str, str], ...]]:
    for name in names:
        (folder / name).mkdir()
        (folder / name / FILE).write_bytes(b"")
    return {take.name: take.syllables for take in gcin_takes(folder)}


def test_a_name_in_bopomofo_gives_initial_and_final(tmp_path: Path) -> None:
    read = _syllables(tmp_path, "ㄅㄚ", "ㄕ4", "ㄋㄩㄝ4", "ㄧㄡ2", "ㄦ3")
    assert read["ㄅㄚ"] == (("b", "a"),)
    assert read["ㄕ4"] == (("sh", "i"),)
    assert read["ㄋㄩㄝ4"] == (("n", "ve"),)
    assert read["ㄧㄡ2"] == (("", "iou"),)
    assert read["ㄦ3"] == (("", "er"),)


def test_what_is_no_syllable_and_the_singing_voice_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "ㄇㄚ").mkdir()
    (tmp_path / "ㄇㄚ" / "5.ogg").write_bytes(b"")
    assert list(_syllables(tmp_path, "ㄅㄅ", "ㄇㄟ2")) == ["ㄇㄟ2"]


def test_all_tones_are_of_one_speaker(tmp_path: Path) -> None:
    names = [f"{initial}ㄚ{tone}" for initial in "ㄅㄆㄇㄈㄉㄊㄋㄌ" for tone in ("", "2", "3", "4")]
    _syllables(tmp_path, *names)
    takes = list(gcin_takes(tmp_path))
    assert len(takes) == len(names)
    assert {take.speaker for take in takes} == {LIU}
