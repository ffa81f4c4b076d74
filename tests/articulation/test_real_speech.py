"""The curves follow real English speech, wide-band and telephone, as well as they once did."""

import pytest

benchmark = pytest.importorskip("benchmarks.articulation", reason="needs the project's root")


@pytest.fixture(scope="module")
def figures(samples):
    return {band: score.figures() for band, score in benchmark.score(samples).items()}


@pytest.mark.parametrize(
    ("band", "figure", "at_least"),
    [
        ("wideband_16k", "aperture r", 0.74),
        ("telephone_8k", "aperture r", 0.66),
        ("wideband_16k", "closure F1", 0.65),
        ("telephone_8k", "closure F1", 0.60),
        ("wideband_16k", "rounding AUC", 0.88),
        ("telephone_8k", "rounding AUC", 0.86),
        ("wideband_16k", "activity in speech", 0.97),
        ("telephone_8k", "activity in speech", 0.97),
    ],
)
def test_figures_hold(figures, band, figure, at_least):
    assert figures[band][figure] >= at_least


@pytest.mark.parametrize("band", ["wideband_16k", "telephone_8k"])
def test_the_range_of_the_mouth_is_used_but_not_exhausted(figures, band):
    assert 0.3 <= figures[band]["aperture median"] <= 0.55
    assert 0.7 <= figures[band]["aperture p90"] <= 0.9
    assert figures[band]["aperture in pauses"] < 0.02
