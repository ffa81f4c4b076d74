from benchmarks.long_speech import voice_of


def test_a_long_voice_is_the_demos_again_and_again() -> None:
    voice = voice_of(0.5, 8_000, 2)
    assert voice.samples.shape == (240_000, 2)
    assert voice.duration_s == 30.0
