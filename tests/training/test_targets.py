import numpy as np
import pytest

from portravox.articulation.phones import PHONE_CLASSES
from training.targets import CURVES, targets
from training.utterance import Phone


def spoken(*segments: tuple[str, float]) -> list[Phone]:
    """Phones one after the other from their lengths."""
    phones, at = [], 0.0
    for ipa, length_s in segments:
        phones.append(Phone(ipa, at, at + length_s))
        at += length_s
    return phones


def curve(name: str, *segments: tuple[str, float]) -> np.ndarray:
    phones = spoken(*segments)
    made = targets(phones, round(phones[-1].end_s * 100))
    return made.curves[:, CURVES.index(name)]


@pytest.mark.parametrize("consonant", ["p", "b", "m"])
def test_lips_meet_between_open_vowels(consonant: str) -> None:
    aperture = curve("aperture", ("a", 0.15), (consonant, 0.09), ("a", 0.15))
    assert aperture[16:20].max() < 0.01
    assert aperture[[7, 33]].min() > 0.8


def test_lips_are_apart_again_after_the_burst() -> None:
    # the breath of p belongs to its segment, the contact does not last through it
    closure = curve("closure", ("a", 0.15), ("pʰ", 0.12), ("a", 0.15))
    assert closure[15:23].min() == 1.0
    assert closure[26] < 0.2


def test_the_tongue_leaves_the_lips_open() -> None:
    aperture = curve("aperture", ("a", 0.15), ("t", 0.08), ("a", 0.15))
    assert aperture.min() > 0.6


def test_labiodental_is_contact_of_another_kind() -> None:
    parts = (("a", 0.15), ("f", 0.1), ("a", 0.15))
    assert curve("labiodental", *parts)[20] == 1.0
    assert curve("closure", *parts).max() == 0.0
    assert curve("aperture", *parts)[20] < 0.25


def test_rounding_begins_before_its_vowel() -> None:
    rounding = curve("rounding", ("i", 0.2), ("s", 0.1), ("t", 0.08), ("u", 0.2))
    assert rounding[5] < 0.1 < rounding[33] < rounding[45]
    assert rounding[45] > 0.9


def test_jaw_is_slower_than_lips() -> None:
    parts = (("i", 0.2), ("a", 0.2))
    jaw, aperture = curve("jaw", *parts), curve("aperture", *parts)

    def rise(values: np.ndarray) -> int:
        share = (values - values[5]) / (values[-5] - values[5])
        return int(np.argmax(share > 0.9) - np.argmax(share > 0.1))

    assert rise(jaw) > rise(aperture)


def test_mouth_rests_in_pauses() -> None:
    aperture = curve("aperture", ("a", 0.2), ("sil", 0.5), ("a", 0.2))
    assert aperture[35:55].max() < 0.02


def test_classes_and_voicing_follow_the_segments() -> None:
    phones = spoken(("sil", 0.1), ("tʃ", 0.1), ("aɪ", 0.2), ("n", 0.1), ("sil", 0.1))
    made = targets(phones, 60)
    names = [PHONE_CLASSES[index] for index in made.classes]
    assert [names[5], names[15], names[22], names[38], names[45], names[55]] == [
        "sil", "sh", "a", "i", "n", "sil",
    ]  # fmt: skip
    assert made.voiced.tolist() == [False] * 20 + [True] * 30 + [False] * 10


def test_everything_stays_in_range_on_random_strings() -> None:
    rng = np.random.default_rng(3)
    letters = ["p", "a", "f", "u", "s", "w", "m", "ɹ", "i", "y", "b", "oʊ", "sil", "ʔ", "ŋ"]
    segments = [(str(rng.choice(letters)), float(rng.uniform(0.03, 0.25))) for _ in range(60)]
    phones = spoken(*segments)
    made = targets(phones, round(phones[-1].end_s * 100))
    assert np.isfinite(made.curves).all()
    assert made.curves.min() >= 0.0
    assert made.curves.max() <= 1.0
