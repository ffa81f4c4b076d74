import numpy as np
import pytest

from benchmarks.articulation import mandarin
from benchmarks.articulation.baselines import Answer
from benchmarks.articulation.bench import Bench
from benchmarks.articulation.mandarin import MandarinScore, kinds_of
from benchmarks.articulation.measures import area_under_curve
from portravox.articulation.curves import CHANNELS, ArticulationCurves
from portravox.media.waveform import Waveform
from training.mandarin import FOR_CHOOSING, MEASURED, MandarinTake
from training.utterance import LIU, SYLLABLES, WORDS


def _take(*syllables: tuple[str, str]) -> MandarinTake:
    return MandarinTake("x", SYLLABLES if len(syllables) == 1 else WORDS, syllables, b"")


def _curves(**channels: float) -> ArticulationCurves:
    values = np.zeros((40, len(CHANNELS)), np.float32)
    values[10:30, CHANNELS.index("activity")] = 1.0
    for name, value in channels.items():
        values[12:20, CHANNELS.index(name)] = value
    return ArticulationCurves(values, 0.4)


def test_lips_that_meet_count_for_b_and_against_g():
    score = MandarinScore()
    score.add(_take(("b", "a")), _curves(closure=1.0))
    score.add(_take(("b", "i")), _curves())
    score.add(_take(("g", "a")), _curves(closure=1.0))
    figures = score.figures()
    assert figures["shut for b p m"] == 0.5
    assert figures["shut for others"] == 1.0
    assert figures["shut, initial g"] == 1.0


def test_a_word_counts_as_a_word():
    score = MandarinScore()
    score.add(_take(("g", "a"), ("b", "a")), _curves(closure=1.0))
    score.add(_take(("g", "a"), ("d", "a")), _curves(labiodental=1.0))
    figures = score.figures()
    assert (figures["words with b p m shut"], figures["words without shut"]) == (1.0, 0.0)
    assert figures["words without bitten"] == 0.5


def test_the_hum_of_shi_is_no_i():
    score = MandarinScore()
    score.add(_take(("sh", "i")), _curves(rounding=1.0))
    score.add(_take(("", "v")), _curves(rounding=1.0))
    score.add(_take(("x", "i")), _curves(spread=1.0))
    assert score.figures()["rounding of ü, AUC"] == 1.0


@pytest.mark.parametrize("choosing", [False, True])
def test_thresholds_are_chosen_by_other_recordings_than_are_measured(
    tmp_path, monkeypatch, choosing
):
    takes = [MandarinTake(f"ba{n}", SYLLABLES, (("b", "a"),), b"") for n in range(200)]
    asked = []
    monkeypatch.setattr(mandarin, "mandarin_takes", lambda _: takes)
    monkeypatch.setattr(MandarinTake, "voice", lambda take: take)
    monkeypatch.setattr(
        Bench,
        "methods",
        property(lambda _: {"ours": lambda take: asked.append(take) or Answer(_curves(), None)}),
    )
    (part,) = mandarin.mandarin_words(Bench(tmp_path, tmp_path, choosing=choosing))
    wanted = FOR_CHOOSING if choosing else MEASURED
    assert asked == [take for take in takes if take.tenth == wanted]
    assert part.figures["recordings: b p m"] == len(asked) > 0


def test_an_initial_that_is_missing_counts_as_none():
    assert kinds_of(_take(("", "v"))) == ["not b p m", "not f", "initial none"]


@pytest.mark.parametrize(("above", "area"), [([2.0, 3.0], 1.0), ([0.0], 0.0), ([1.0], 0.5)])
def test_area_under_the_curve_counts_pairs(above, area):
    assert area_under_curve(above, [1.0]) == area


def test_recordings_that_are_cut_tightly_are_measured_between_silences(monkeypatch):
    heard = []

    def method(voice: Waveform) -> Answer:
        heard.append(voice)
        return Answer(_curves(), None)

    voice = Waveform(np.ones((8_000, 1), np.float32), 16_000)
    monkeypatch.setattr(MandarinTake, "voice", lambda _: voice)
    takes = [MandarinTake("x", speaker, (("b", "a"),), b"") for speaker in (SYLLABLES, LIU)]
    mandarin.scored_takes(takes, method)
    silence = round(mandarin.SILENCE_S * 16_000)
    assert [len(voice.samples) for voice in heard] == [8_000, 8_000 + 2 * silence]
    assert not heard[1].samples[:silence].any() and not heard[1].samples[-silence:].any()
