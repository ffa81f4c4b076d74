import numpy as np
import pytest

from portravox.speech.log_mel import RANGE
from portravox.speech.mel import BANDS
from training.augment import EXAMPLE_ROWS, Examples, rest_curves, tilt_db, warped
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
