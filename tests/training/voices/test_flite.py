from __future__ import annotations

import shutil

import numpy as np
import pytest

from training.utterance import Phone
from training.voices import VOICES, VoiceFailed
from training.voices.flite import phones_of, speak

SLT = next(voice for voice in VOICES if voice.source == "flite-slt")


def test_end_times_become_segments() -> None:
    phones, unknown = phones_of("pau:0.200 m:0.300 aa1:0.450 b:0.500 pau:0.700 \n")
    assert phones == (
        Phone("sil", 0.0, 0.2),
        Phone("m", 0.2, 0.3),
        Phone("ɑ", 0.3, 0.45),
        Phone("b", 0.45, 0.5),
        Phone("sil", 0.5, 0.7),
    )
    assert unknown == ()


def test_a_name_we_do_not_know_is_told() -> None:
    assert phones_of("pau:0.2 qq:0.3")[1] == ("qq",)


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs flite")
def test_speech_lies_where_the_phones_say() -> None:
    (one,) = speak(SLT, ["Mama."], np.random.default_rng(1))
    assert one.rate_hz == 16_000
    assert next(phone.ipa for phone in one.phones if phone.ipa != "sil") == "m"
    assert one.phones[-1].end_s == pytest.approx(len(one.samples) / one.rate_hz, abs=0.03)
    pause, spoken = one.phones[0], one.phones[2]

    def power(phone: Phone) -> float:
        part = one.samples[round(phone.start_s * 16_000) : round(phone.end_s * 16_000)]
        return float(np.mean(part**2))

    assert power(spoken) > 100 * power(pause)


def test_without_flite_our_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(VoiceFailed, match="not installed"):
        list(speak(SLT, ["Mama."], np.random.default_rng(1)))
