import numpy as np
import pytest

from portravox.articulation.phones import PHONE_CLASSES
from portravox.speech.log_mel import RANGE
from portravox.speech.mel import BANDS
from training.augment import (
    BREATHING_SHARE,
    ENGLISH_SHARE,
    EXAMPLE_ROWS,
    NOISE_ONLY,
    PERSON_SHARE,
    SOUGHT,
    Examples,
    faded,
    rest_curves,
    tilt_db,
    warped,
)
from training.features import Rows
from training.targets import CURVES


def corpus(sources: list[str], length: int = 180) -> Rows:
    """Utterances of noise; each says its own number in the curve `jaw`."""
    rng = np.random.default_rng(1)
    count = len(sources)
    spectra = (-60.0 + 10.0 * rng.standard_normal((count * length, BANDS))).astype(np.float16)
    curves = np.zeros((count * length, len(CURVES)), dtype=np.float16)
    curves[:, 0] = np.repeat(np.arange(1, count + 1) / 100.0, length)
    return Rows(
        clean_db=spectra,
        degraded_db=spectra,
        curves=curves,
        classes=np.full(count * length, 3, dtype=np.int8),
        voiced=np.ones(count * length, dtype=np.bool_),
        starts=np.arange(count + 1, dtype=np.int64) * length,
        sources=np.array(sources),
    )


@pytest.fixture
def examples() -> Examples:
    rng = np.random.default_rng(2)
    noises = [rng.random((3000, BANDS)).astype(np.float32) / BANDS]
    rows = corpus(["one en"] * 3 + ["two zh"] * 3)
    return Examples(rows, noises, np.arange(6))


def test_examples_are_finite_whole_and_repeatable(examples: Examples) -> None:
    first, again = (
        [examples.draw(np.random.default_rng(seed)) for seed in range(30)] for _ in range(2)
    )
    for one, other in zip(first, again, strict=True):
        assert one.log_mel.shape == (EXAMPLE_ROWS, BANDS)
        assert np.isfinite(one.log_mel).all()
        assert RANGE[0] <= one.log_mel.min() <= one.log_mel.max() <= RANGE[1]
        assert np.array_equal(one.log_mel, other.log_mel)


def test_an_example_has_one_voice_only(examples: Examples) -> None:
    for seed in range(40):
        spoken = examples.draw(np.random.default_rng(seed)).curves[:, 0]
        numbers = {round(100 * float(value)) for value in spoken if value > 0.0}
        assert numbers <= {1, 2, 3} or numbers <= {4, 5, 6}


def test_targets_rest_where_nobody_speaks(examples: Examples) -> None:
    silent_rows = 0
    for seed in range(60):
        example = examples.draw(np.random.default_rng(seed))
        silent = example.classes == 0
        silent_rows += int(silent.sum())
        assert np.array_equal(example.curves[silent], rest_curves(int(silent.sum())))
        assert not example.voiced[silent].any()
    assert silent_rows > 0


def test_somebody_breathes_in_some_of_the_silence(examples: Examples) -> None:
    """Steady noise keeps its level within 0.2 units of the network's input, a breath swells."""
    drawn = [examples.draw(np.random.default_rng(seed)) for seed in range(500)]
    silent = [one for one in drawn if not one.classes.any()]
    assert abs(len(silent) / len(drawn) - NOISE_ONLY) < 0.05
    swelling = [one.log_mel.mean(axis=1).std() > 0.2 for one in silent]
    # softer ones are lost in the noise
    assert 0.3 * BREATHING_SHARE < np.mean(swelling) < BREATHING_SHARE + 0.15


def test_warping_moves_a_formant() -> None:
    spectrum = np.zeros((2, BANDS), dtype=np.float32)
    spectrum[:, 40] = 20.0
    assert warped(spectrum, 1.0).argmax(axis=1).tolist() == [40, 40]
    assert warped(spectrum, 1.1).argmax(axis=1).tolist() == [36, 36]
    assert warped(spectrum, 0.9).argmax(axis=1).tolist() == [44, 44]


def test_colours_are_smooth() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        colour = tilt_db(rng)
        assert np.abs(np.diff(colour)).max() < 4.0


def test_people_english_and_others_come_as_often_as_their_groups_may() -> None:
    rng = np.random.default_rng(2)
    noises = [rng.random((3000, BANDS)).astype(np.float32) / BANDS]
    rows = corpus(["person-a zh"] + ["one en"] * 5 + ["two en"] * 5 + ["three fr"] * 3)
    examples = Examples(rows, noises, np.arange(14), length=180)
    drawn = [examples.draw(np.random.default_rng(seed)) for seed in range(150)]
    first = np.array([100.0 * one.curves[:, 0].max() for one in drawn])
    spoken = first > 0.5
    people = first[spoken] < 1.5
    english = (first[spoken] > 1.5) & (first[spoken] < 11.5)
    assert abs(people.mean() - PERSON_SHARE) < 0.12
    assert abs(english.mean() - ENGLISH_SHARE) < 0.12


def test_nobody_teaches_what_people_say_or_what_nobody_says(examples: Examples) -> None:
    rng = np.random.default_rng(2)
    noises = [rng.random((3000, BANDS)).astype(np.float32) / BANDS]
    people = Examples(corpus(["person-a zh"] * 2), noises, np.arange(2))
    for seed in range(40):
        assert not people.draw(np.random.default_rng(seed)).taught
        one = examples.draw(np.random.default_rng(seed))
        assert one.taught == bool(one.classes.any())
        assert one.untouched.shape == one.log_mel.shape


def test_a_voice_fades_towards_a_pause_and_comes_back_whole() -> None:
    classes = np.zeros(300, dtype=np.int64)
    classes[20:150] = classes[200:290] = 3
    spectrum = np.full((300, BANDS), -30.0, dtype=np.float32)
    changed = [faded(spectrum, classes, np.random.default_rng(seed)) for seed in range(60)]
    falls = np.array([(spectrum - one)[149] for one in changed])
    some = falls.max(axis=1) > 0.0
    assert 0.05 < some.mean() < 0.5
    assert (falls[some, -1] >= falls[some, 0]).all(), "overtones fade first"
    for one in changed:
        assert (one <= spectrum).all()
        assert np.array_equal(one[:100], spectrum[:100])
        assert np.array_equal(one[200:240], spectrum[200:240])


def test_of_people_the_rare_sounds_are_drawn_more_often() -> None:
    rows = corpus(["person-a zh"] * 10)
    wanted = PHONE_CLASSES.index("y")
    rows.classes[: 180 // 2] = wanted
    examples = Examples(rows, [np.ones((3000, BANDS), np.float32)], np.arange(10), length=180)
    drawn = [examples.draw(np.random.default_rng(seed)) for seed in range(200)]
    spoken = [one for one in drawn if one.classes.any()]
    with_it = np.mean([bool((one.classes == wanted).any()) for one in spoken])
    share = SOUGHT["y"] / (SOUGHT["y"] + 9.0)
    assert abs(with_it - share) < 0.12
