from __future__ import annotations

import pytest

from portravox.articulation.phones import SILENCE, parse_ipa
from training.phone_maps import ARPABET, FESTIVAL_SETS, ipa_from_espeak, ipa_from_set


@pytest.mark.parametrize("phone_set", [ARPABET, *FESTIVAL_SETS.values()])
def test_every_phone_of_every_set_can_be_read(phone_set: dict[str, str]) -> None:
    assert all(ipa == SILENCE or parse_ipa(ipa) for ipa in phone_set.values())


@pytest.mark.parametrize("language", sorted(FESTIVAL_SETS))
def test_lips_close_in_every_language(language: str) -> None:
    phone_set = FESTIVAL_SETS[language]
    assert [phone_set[name] for name in "pbm"] == ["p", "b", "m"]
    assert parse_ipa(phone_set["f"]) == ["f"]


def test_stress_and_length_are_passed_over() -> None:
    assert ipa_from_set("iy1", ARPABET) == "i"
    assert ipa_from_set("a1", FESTIVAL_SETS["it"]) == "a"
    assert ipa_from_set("pp", FESTIVAL_SETS["ru"]) == "p"
    assert ipa_from_set("m:", FESTIVAL_SETS["fi"]) == "m"
    assert ipa_from_set("7:", FESTIVAL_SETS["fi"]) == "ø"
    assert ipa_from_set("not a phone", ARPABET) is None


def test_espeak_silence_and_announced_languages_are_no_sound() -> None:
    assert ipa_from_espeak("") == SILENCE
    assert ipa_from_espeak("(en)") == SILENCE
    assert ipa_from_espeak("\u02d0") is None  # a length mark alone


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("ts.h", ["ʈʂ"]), ("s.", ["ʂ"]), ("i.", ["ɨ"]), ("o-", ["ɤ"]), ("onɡ", ["o", "ŋ"]),
        ("ph", ["p"]), ("tɕh", ["tɕ"]), ("uo", ["u", "o"]), ("yɛ", ["y", "ɛ"]), ("ər", ["ɚ"]),
    ],
)  # fmt: skip
def test_mandarin_as_espeak_spells_it(name: str, symbols: list[str]) -> None:
    assert parse_ipa(ipa_from_espeak(name) or "") == symbols


def test_breath_is_a_phone_only_by_itself() -> None:
    assert ipa_from_espeak("h") == "h"
    assert parse_ipa(ipa_from_espeak("bʰ") or "") == ["b"]
