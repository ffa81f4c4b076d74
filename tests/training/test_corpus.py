from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from training import corpus
from training.corpus import PEAK, Part, finished, main, make, plan, trimmed
from training.utterance import PERSON, RATE_HZ, Phone, load
from training.voices import CLOSED_SHARE, VOICES, Recording, Voice

FINNISH = next(voice for voice in VOICES if voice.language == "fi")
"""Its texts need no files."""


def recording(text: str = "pa", seed: int = 0) -> Recording:
    """One second of noise between silences, at another rate than the corpus has."""
    rate_hz = 22_050
    samples = np.zeros(3 * rate_hz, np.float32)
    samples[rate_hz : 2 * rate_hz] = np.random.default_rng(seed).normal(0.0, 0.1, rate_hz)
    return Recording(
        text, samples, rate_hz, (Phone("sil", 0, 1), Phone("p", 1, 1.2), Phone("a", 1.2, 2.0))
    )


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A festival that needs no installation."""

    def speak(voice: Voice, texts: Sequence[str], rng: np.random.Generator) -> Iterator[Recording]:
        for text in texts:
            yield recording(text, int(rng.integers(1000)))

    monkeypatch.setitem(corpus._SYNTHESISERS, "festival", SimpleNamespace(speak=speak))


def test_the_plan_lasts_as_asked_and_names_every_part_once() -> None:
    parts = plan(9.0)
    assert sum(part.seconds for part in parts) == pytest.approx(9.0 * 3600)
    assert len({part.name for part in parts}) == len(parts)


def test_half_of_the_corpus_comes_from_recorded_people() -> None:
    parts = plan(9.0)
    recorded_s = sum(part.seconds for part in parts if part.voice.recorded)
    assert recorded_s > 0.5 * 9.0 * 3600


def test_mandarin_has_twice_the_weight_of_any_other_language_without_recordings() -> None:
    minutes: Counter[str] = Counter()
    for voice in VOICES:
        if not voice.recorded:
            minutes[voice.language] += round(voice.minutes)
    first, second = minutes.most_common(2)
    assert first[0] == "zh"
    assert first[1] >= 2 * second[1]


def test_a_permissive_corpus_has_no_gpl_voice() -> None:
    parts = plan(9.0, "permissive")
    assert parts
    for part in parts:
        assert "GPL" not in part.voice.licence.replace("LGPL", "")
        assert part.voice.synthesiser != "espeak"
    assert {part.style for part in parts} == {"plain", "sung", "whispered"}


def test_every_voice_says_how_long_its_lips_stay_shut() -> None:
    sources = {voice.source for voice in VOICES}
    for source in sources:
        assert source in CLOSED_SHARE or source.partition("-")[0] in CLOSED_SHARE
    for key, shares in CLOSED_SHARE.items():
        assert key in sources | {"espeak", "flite", "festival", PERSON}
        # of people, both are cut at the burst already
        assert 0.4 < shares["p"] < shares["b"] <= 1.0 or (key == PERSON and shares["p"] == 0.9)
        assert shares["m"] >= shares["p"]


def test_an_utterance_is_loud_trimmed_and_as_long_as_its_phones() -> None:
    for seed in range(8):
        made = finished(recording(), Part(FINNISH, "plain", 1.0), np.random.default_rng(seed))
        assert made is not None
        assert np.abs(made.samples).max() == round(PEAK * 32767)
        assert made.phones[0].start_s == 0.0
        assert made.phones[-1].end_s == pytest.approx(len(made.samples) / RATE_HZ, abs=1e-3)
        assert 1.0 / 1.18 + 0.6 - 0.01 < len(made.samples) / RATE_HZ < 1.0 / 0.86 + 0.6 + 0.01


def test_phone_times_follow_the_sound_when_the_tempo_changes() -> None:
    for seed in range(8):
        made = finished(recording(), Part(FINNISH, "plain", 1.0), np.random.default_rng(seed))
        assert made is not None
        loud = np.flatnonzero(np.abs(made.samples) > 300) / RATE_HZ
        spoken = [phone for phone in made.phones if phone.ipa != "sil"]
        assert loud[0] == pytest.approx(spoken[0].start_s, abs=0.01)
        assert loud[-1] == pytest.approx(spoken[-1].end_s, abs=0.01)


def test_unreadable_or_empty_speech_is_left_out() -> None:
    part, rng = Part(FINNISH, "plain", 1.0), np.random.default_rng(0)
    one = recording()
    silent = Recording("", one.samples, one.rate_hz, (Phone("sil", 0.0, 3.0),))
    strange = Recording("", one.samples, one.rate_hz, one.phones, ("x!",))
    assert finished(silent, part, rng) is None
    assert finished(strange, part, rng) is None


def test_trimming_keeps_short_silences() -> None:
    phones = (Phone("sil", 0.0, 0.1), Phone("a", 0.1, 0.5), Phone("sil", 0.5, 0.7))
    samples = np.ones(round(0.7 * RATE_HZ), np.float32)
    kept, same = trimmed(samples, phones)
    assert len(kept) == len(samples)
    assert same == phones


def test_a_part_is_made_once_and_the_same_for_the_same_seed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch)
    part = Part(FINNISH, "plain", 6.0)
    made = make(part, tmp_path / "a", seed=1)
    make(part, tmp_path / "b", seed=1)
    make(part, tmp_path / "c", seed=2)
    first, second, third = (load(tmp_path / folder / f"{part.name}.npz") for folder in "abc")
    assert 6.0 <= made.seconds < 10.0
    assert [u.text for u in first] == [u.text for u in second]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(first, second, strict=True))
    assert [u.text for u in first] != [u.text for u in third]

    monkeypatch.setenv("PATH", "")
    assert make(part, tmp_path / "a", seed=1).seconds == made.seconds  # there already


def test_a_voice_that_fails_is_reported_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")  # where festival is not found
    told: list[str] = []
    arguments = ["--out", str(tmp_path), "--hours", "0.01", "--only", "festival-*-fi"]
    assert main(arguments, told.append) == 1
    assert "failed: festival-suo_fi_lj_diphone-fi: festival is not installed" in told[-1]
    assert "failed: festival-hy_fi_mv_diphone-fi: festival is not installed" in told[-1]
    assert not list(tmp_path.glob("*.npz"))
