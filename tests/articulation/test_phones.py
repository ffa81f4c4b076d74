import pytest

from portravox.articulation.phones import CLASS_OF, PHONE_CLASSES, SILENCE, VOWELS, parse_ipa


@pytest.mark.parametrize(
    ("written", "symbols"),
    [
        ("tʃɪmp", ["tʃ", "ɪ", "m", "p"]),
        ("t͡ɕʰy˥ɛn", ["tɕ", "y", "ɛ", "n"]),
        ("ɡɹeɪt", ["ɡ", "ɹ", "e", "ɪ", "t"]),
        ("gːaːa", ["ɡ", "a"]),
        ("ʈʂʐ̩", ["ʈʂ", "ʐ"]),
        ("ɔ̃", ["ɔ"]),
        ("", []),
        ("12 ?", []),
    ],
)
def test_ipa_is_read_by_the_longest_symbol(written: str, symbols: list[str]) -> None:
    assert parse_ipa(written) == symbols


def test_every_class_but_silence_has_members() -> None:
    assert set(CLASS_OF.values()) | {SILENCE} == set(PHONE_CLASSES)
    assert PHONE_CLASSES[0] == SILENCE


def test_every_vowel_has_a_class() -> None:
    assert set(CLASS_OF) >= VOWELS
