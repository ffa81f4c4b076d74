"""What was recorded is what is read, from every kind of WAV and MP3, and lies are seen through."""

from __future__ import annotations

import io
import struct
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.errors import (
    FileMissing,
    SettingOutOfRange,
    VoiceError,
    VoiceSilent,
    VoiceTooLarge,
    VoiceTooLong,
    VoiceTooShort,
    VoiceUnreadable,
    VoiceUnsupported,
)
from portravox.media import decoded_sound
from portravox.media.voice_file import VoiceLimits, read_voice
from portravox.media.waveform import Waveform

PCM, ADPCM, IEEE_FLOAT, A_LAW, MU_LAW, GSM, EXTENSIBLE = 1, 2, 3, 6, 7, 0x31, 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def wav(
    path: Path,
    body: bytes,
    *,
    rate_hz: int,
    channels: int = 1,
    bits: int = 16,
    code: int = PCM,
    data_size: int | None = None,
    riff_size: int | None = None,
) -> Path:
    """A WAV file with whatever header is asked for."""
    block = channels * bits // 8
    format_code = EXTENSIBLE if code == EXTENSIBLE else code
    fmt = struct.pack("<HHIIHH", format_code, channels, rate_hz, rate_hz * block, block, bits)
    if code == EXTENSIBLE:
        fmt += struct.pack("<HHIH", 22, bits, (1 << channels) - 1, PCM) + GUID_TAIL
    size = len(body) if data_size is None else data_size
    chunks = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size)
    total = len(chunks) + len(body) if riff_size is None else riff_size
    path.write_bytes(b"RIFF" + struct.pack("<I", total) + chunks + body)
    return path


def integers(samples: Float32, bits: int) -> bytes:
    """Little-endian PCM; 8 bits are unsigned."""
    scaled = np.clip(np.round(samples * 2.0 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if bits == 8:
        return (scaled + 128).astype("u1").tobytes()
    if bits == 24:
        return scaled.astype("<i4").reshape(-1, 1).view("u1")[:, :3].tobytes()
    return scaled.astype(f"<i{bits // 8}").tobytes()


def mp3(path: Path, voice: Waveform, **options: str) -> Path:
    """An MP3 by LAME, with its tag, which tells delay and padding."""
    layout = "mono" if voice.samples.shape[1] == 1 else "stereo"
    with av.open(str(path), "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=voice.rate_hz, options=options)
        stream.layout = layout
        stream.format = "fltp"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(voice.samples.T), "fltp", layout)
        frame.sample_rate, frame.pts = voice.rate_hz, 0
        frame.time_base = Fraction(1, voice.rate_hz)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2])
def test_integers_of_all_sizes(tmp_path: Path, tone, bits: int, channels: int) -> None:
    voice = tone(1.0, 16_000, channels)
    body = integers(voice.samples, bits)
    read = read_voice(wav(tmp_path / "i.wav", body, rate_hz=16_000, channels=channels, bits=bits))
    assert read.rate_hz == 16_000
    assert read.samples.shape == (16_000, channels) and read.samples.dtype == np.float32
    assert np.abs(read.samples - voice.samples).max() <= 2.0**-bits + 1e-7  # half a step


@pytest.mark.parametrize("bits", [32, 64])
def test_floats_may_go_beyond_full_scale(tmp_path: Path, tone, bits: int) -> None:
    voice = tone(1.0, 24_000, level=1.7)
    body = voice.samples.astype(f"<f{bits // 8}").tobytes()
    read = read_voice(wav(tmp_path / "f.wav", body, rate_hz=24_000, bits=bits, code=IEEE_FLOAT))
    assert np.array_equal(read.samples, voice.samples)


def test_extensible_24_bit(tmp_path: Path, tone) -> None:
    voice = tone(1.0, 48_000, 2)
    body = integers(voice.samples, 24)
    path = wav(tmp_path / "x.wav", body, rate_hz=48_000, channels=2, bits=24, code=EXTENSIBLE)
    assert np.abs(read_voice(path).samples - voice.samples).max() < 1e-6


@pytest.mark.parametrize("code", [MU_LAW, A_LAW])
def test_telephone_codes(tmp_path: Path, tone, code: int) -> None:
    voice = tone(1.5, 8_000)
    name = "pcm_mulaw" if code == MU_LAW else "pcm_alaw"
    encoder = av.CodecContext.create(name, "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8_000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(
        np.round(voice.samples.T * 32_767).astype(np.int16), "s16", "mono"
    )
    frame.sample_rate = 8_000
    body = b"".join(bytes(packet) for packet in encoder.encode(frame))
    read = read_voice(wav(tmp_path / "t.wav", body, rate_hz=8_000, bits=8, code=code))
    assert len(read.samples) == 12_000
    assert np.abs(read.samples - voice.samples).max() < 0.02  # 13-bit steps at full scale


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 192_000])
def test_rates_from_telephone_to_studio(tmp_path: Path, tone, rate_hz: int) -> None:
    voice = tone(1.0, rate_hz)
    assert read_voice(
        wav(tmp_path / "r.wav", integers(voice.samples, 16), rate_hz=rate_hz)
    ).duration_s == pytest.approx(1.0)


@pytest.mark.parametrize("rate_hz", [4_000, 384_000])
def test_other_rates_are_refused(tmp_path: Path, tone, rate_hz: int) -> None:
    body = integers(tone(2.0, rate_hz).samples, 16)
    with pytest.raises(VoiceUnsupported, match=str(rate_hz)):
        read_voice(wav(tmp_path / "r.wav", body, rate_hz=rate_hz))


@pytest.mark.parametrize("channels", [3, 6, 8])
def test_a_voice_on_one_of_many_channels_keeps_its_level(
    tmp_path: Path, tone, channels: int
) -> None:
    voice = tone(1.0, 16_000)
    samples = np.zeros((16_000, channels), np.float32)
    samples[:, 2] = voice.samples[:, 0]  # the centre of a 5.1 recording
    body = integers(samples, 16)
    for code in (PCM, EXTENSIBLE):
        path = wav(tmp_path / "c.wav", body, rate_hz=16_000, channels=channels, code=code)
        read = read_voice(path)
        assert read.samples.shape == (16_000, 1)
        assert np.abs(read.samples - voice.samples).max() < 1e-4


@pytest.mark.parametrize("data_size", [0, 100, 0xFFFFFFFF])
@pytest.mark.parametrize("riff_size", [0, 0xFFFFFFFF])
def test_lying_sizes(tmp_path: Path, tone, data_size: int, riff_size: int) -> None:
    body = integers(tone(1.5, 16_000).samples, 16)
    path = wav(tmp_path / "l.wav", body, rate_hz=16_000, data_size=data_size, riff_size=riff_size)
    read = read_voice(path)
    assert read.duration_s == 1.5
    assert np.abs(read.samples[:, 0] - tone(1.5, 16_000).samples[:, 0]).max() < 1e-4
    assert len(read.notices) == (data_size == 100)


def test_samples_that_are_not_numbers_become_silence(tmp_path: Path, tone) -> None:
    samples = tone(1.0, 16_000).samples.copy()
    samples[100], samples[200], samples[300] = np.nan, np.inf, -np.inf
    path = wav(
        tmp_path / "n.wav",
        samples.astype("<f4").tobytes(),
        rate_hz=16_000,
        bits=32,
        code=IEEE_FLOAT,
    )
    read = read_voice(path).samples
    assert np.all(np.isfinite(read))
    assert np.all(read[[100, 200, 300]] == 0.0)


@pytest.mark.parametrize("scale", [32_768.0, 1e30, 3e38])
def test_floats_in_another_scale_come_back_to_full_scale(
    tmp_path: Path, tone, scale: float
) -> None:
    samples = tone(1.0, 16_000, level=1.0).samples * np.float32(scale)
    path = wav(
        tmp_path / "s.wav",
        samples.astype("<f4").tobytes(),
        rate_hz=16_000,
        bits=32,
        code=IEEE_FLOAT,
    )
    assert np.abs(read_voice(path).samples).max() == pytest.approx(1.0)


@pytest.mark.parametrize("constant", [0.0, 0.3])
def test_silence_is_refused_with_or_without_offset(tmp_path: Path, constant: float) -> None:
    body = integers(np.full((16_000, 1), constant, np.float32), 16)
    with pytest.raises(VoiceSilent):
        read_voice(wav(tmp_path / "q.wav", body, rate_hz=16_000))


def test_a_whisper_is_no_silence(tmp_path: Path, tone) -> None:
    body = integers(tone(1.0, 16_000, level=10 ** (-60 / 20)).samples, 16)
    assert read_voice(wav(tmp_path / "w.wav", body, rate_hz=16_000)).duration_s == 1.0


def test_length_is_limited_to_the_sample(tmp_path: Path, tone) -> None:
    limits = VoiceLimits(min_s=1.0, max_s=1.5)
    for duration_s, outcome in ((0.9999, VoiceTooShort), (1.5001, VoiceTooLong)):
        body = integers(tone(duration_s, 16_000).samples, 16)
        with pytest.raises(outcome):
            read_voice(wav(tmp_path / "d.wav", body, rate_hz=16_000), limits)
    for duration_s in (1.0, 1.5):
        body = integers(tone(duration_s, 16_000).samples, 16)
        read = read_voice(wav(tmp_path / "d.wav", body, rate_hz=16_000), limits)
        assert read.duration_s == duration_s


def test_an_hour_is_taken_where_no_service_is_bound_to_less(tmp_path: Path) -> None:
    hour = wav(tmp_path / "hour.wav", bytes(range(256)) * 112_500, rate_hz=8_000, bits=8)
    assert read_voice(hour).duration_s == 3600.0
    with pytest.raises(VoiceTooLong, match="180 s"):
        read_voice(hour, VoiceLimits(max_s=180.0))
    longer = wav(tmp_path / "more.wav", bytes(range(256)) * 112_532, rate_hz=8_000, bits=8)
    with pytest.raises(VoiceTooLong, match="3600 s"):
        read_voice(longer)


def test_decoding_stops_once_it_is_too_long(tmp_path: Path, tone) -> None:
    second = mp3(tmp_path / "1s.mp3", tone(1.0, 16_000), b="8000").read_bytes()

    def refusal_s(seconds: int) -> float:
        """The processor's time, for the clock's tells what else goes on."""
        path = tmp_path / f"{seconds}.mp3"
        path.write_bytes(second * seconds)
        start = time.process_time()
        with pytest.raises(VoiceTooLong, match="longer than 180 s"):
            read_voice(path, VoiceLimits.service())
        return time.process_time() - start

    hardly = refusal_s(200)
    assert refusal_s(4_000) < 4.0 * hardly  # over an hour in a few MB; all of it took 20 times


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_of_every_rate_starts_and_ends_on_time(
    tmp_path: Path, tone, rate_hz: int, channels: int
) -> None:
    voice = tone(1.3, rate_hz, channels)  # not a whole number of MP3 frames
    read = read_voice(mp3(tmp_path / "v.mp3", voice))
    assert read.rate_hz == rate_hz
    assert read.samples.shape[1] == channels
    # The tag has no room for all the padding at 8 kHz: 15 samples, 2 ms, stay.
    assert 0 <= len(read.samples) - len(voice.samples) <= (15 if rate_hz == 8_000 else 0)
    # In step to the sample: the tones cancel but for what the coding loses.
    middle = slice(rate_hz // 4, rate_hz)
    assert np.abs(read.samples[middle] - voice.samples[middle]).max() < 0.05


def test_mp3_with_variable_rate_tag_and_huge_cover(tmp_path: Path, tone) -> None:
    voice = tone(1.3, 44_100)
    sound = mp3(tmp_path / "v.mp3", voice, q="4").read_bytes()
    tag_size = sum((byte & 127) << (7 * n) for n, byte in enumerate(sound[9:5:-1])) + 10
    bare = sound[tag_size:] if sound[:3] == b"ID3" else sound
    cover = b"\0image/png\0\3\0" + b"\x89PNG\r\n\x1a\n" + bytes(50_000)
    picture = b"APIC" + struct.pack(">I", len(cover)) + b"\0\0" + cover
    size = bytes((len(picture) >> shift) & 127 for shift in (21, 14, 7, 0))
    path = tmp_path / "cover.mp3"
    path.write_bytes(b"ID3\3\0\0" + size + picture + bare)
    assert len(read_voice(path).samples) == len(voice.samples)


def test_mp3_cut_in_a_frame_gives_the_part_before(tmp_path: Path, tone) -> None:
    whole = mp3(tmp_path / "v.mp3", tone(3.0, 44_100)).read_bytes()
    path = tmp_path / "cut.mp3"
    path.write_bytes(whole[: len(whole) // 2 + 7])
    assert 1.4 < read_voice(path).duration_s < 1.6


def test_mp3_that_begins_within_a_frame(tmp_path: Path, tone) -> None:
    whole = mp3(tmp_path / "v.mp3", tone(3.0, 44_100)).read_bytes()
    path = tmp_path / "stream.mp3"
    path.write_bytes(whole[1_000:])
    assert 2.5 < read_voice(path).duration_s < 3.1


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("ogg", "libopus"),
        ("flac", "flac"),
        ("mp4", "aac"),
        ("adts", "aac"),
        ("mp2", "mp2"),
        ("aiff", "pcm_s16be"),
        ("matroska", "libmp3lame"),
        ("mp4", "libmp3lame"),
        ("avi", "libmp3lame"),
    ],
)
def test_what_phones_and_browsers_record_is_read_where_the_limits_allow_it(
    tmp_path: Path, tone, container: str, codec: str
) -> None:
    voice = tone(1.5, 48_000)
    for name in ("voice.wav", "voice.mp3"):
        path = compressed(tmp_path / name, voice, container, codec)
        with pytest.raises(VoiceUnsupported, match=f"{name}.*wanted a WAV or MP3 recording"):
            read_voice(path, VoiceLimits.service())
        if codec == "mp2" or container == "avi":
            with pytest.raises(VoiceUnsupported, match="layer II" if codec == "mp2" else "AVI"):
                read_voice(path)
            continue
        for limits in (None, VoiceLimits.service("all")):
            read = read_voice(path, limits)
            assert read.duration_s == pytest.approx(1.5, abs=0.05)
            assert 0.4 < np.abs(read.samples).max() < 0.6
            assert _pitch_hz(read) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [
        ("amr", "libopencore_amrnb", 8_000),  # phones' voice memos
        ("3gp", "libopencore_amrnb", 8_000),
        ("caf", "alac", 44_100),  # what Apple's programs write
        ("caf", "adpcm_ima_qt", 44_100),
        ("caf", "pcm_s16be", 44_100),
        ("caf", "pcm_mulaw", 8_000),
    ],
)
def test_amr_and_caf_keep_length_level_and_pitch(
    tmp_path: Path, tone, container: str, codec: str, rate_hz: int
) -> None:
    options = {"b": "12200"} if "amr" in codec else {}
    path = compressed(tmp_path / "memo", tone(1.5, rate_hz), container, codec, **options)
    with pytest.raises(VoiceUnsupported, match=r"memo is .*wanted a WAV or MP3 recording"):
        read_voice(path, VoiceLimits.service())
    read = read_voice(path, VoiceLimits.service("all"))
    assert read.rate_hz == rate_hz
    assert read.duration_s == pytest.approx(1.5, abs=0.025)  # AMR has frames of 20 ms
    assert 0.4 < np.abs(read.samples).max() < 0.6
    assert _pitch_hz(read) == pytest.approx(440, abs=2)


def compressed(path: Path, voice: Waveform, container: str, codec: str, **options: str) -> Path:
    """A recording in any container and codec that FFmpeg writes."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=voice.rate_hz, options=options)
        stream.layout = "mono"
        samples = np.round(voice.samples[:, :1].T * 32_767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate, frame.pts = voice.rate_hz, 0
        wanted = stream.codec_context.format
        resampler = av.AudioResampler(wanted.name if wanted else "s16", "mono", voice.rate_hz)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return path


def _pitch_hz(voice: Waveform) -> float:
    mono = voice.mono()
    return float(np.abs(np.fft.rfft(mono)).argmax() / len(mono) * voice.rate_hz)


@pytest.mark.parametrize(("container", "codec"), [("matroska", "ac3"), ("mp4", "ac3")])
def test_a_decoder_beyond_the_list_is_never_opened(
    tmp_path: Path, tone, container: str, codec: str
) -> None:
    path = compressed(tmp_path / "v.mka", tone(1.5, 48_000), container, codec)
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False) as told, pytest.raises(VoiceUnsupported, match=codec):
            read_voice(path)
    finally:
        av.logging.set_level(None)
    assert any("not on whitelist" in text for _, _, text in told), told


def test_ffmpeg_gets_bytes_and_opens_nothing_that_a_file_names(
    tmp_path: Path, tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = compressed(tmp_path / "v.ogg", tone(1.5, 48_000), "ogg", "libopus")
    opened: list[dict[str, str]] = []
    real = av.open

    def watch(file: object, **how: Any) -> object:
        assert isinstance(file, io.BytesIO)
        opened.append(how["options"])
        return real(file, **how)

    monkeypatch.setattr(av, "open", watch)
    read_voice(path)
    assert opened
    assert {options["protocol_whitelist"] for options in opened} == {"none"}


def test_plain_wav_and_mp3_never_meet_a_reader_that_guesses(
    tmp_path: Path, tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = tone(1.5, 16_000)
    paths = (
        wav(tmp_path / "v.wav", integers(voice.samples, 16), rate_hz=16_000),
        mp3(tmp_path / "v.mp3", voice),
    )

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError(f"FFmpeg looks into a file: {args}")

    monkeypatch.setattr(av, "open", refuse)
    for path in paths:
        assert read_voice(path).duration_s == 1.5


@pytest.mark.parametrize(
    ("code", "name"),
    [(0x2000, "AC-3"), (GSM, "GSM"), (0x22, "TrueSpeech"), (0x2001, "DTS"), (0x50, "layer II"),
     (0xFF, "AAC"), (0x161, "Windows Media"), (0x4242, "0x4242")],
)  # fmt: skip
def test_a_wav_with_another_codec_is_named_and_no_decoder_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, name: str
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError(f"a decoder is opened: {args}")

    monkeypatch.setattr(av, "open", refuse)
    monkeypatch.setattr(decoded_sound, "mp3_blocks", refuse)
    body = b"\x0b\x77" + np.random.default_rng(1).bytes(50_000)
    with pytest.raises(VoiceUnsupported, match=name):
        read_voice(wav(tmp_path / "c.wav", body, rate_hz=16_000, code=code))


@pytest.mark.parametrize("start", [b"\xfe\x7f\x01\x80", b"\x72\xf8\x1f\x4e"])
def test_compressed_sound_that_calls_itself_samples_is_no_noise(tmp_path: Path, start) -> None:
    body = bytes(400) + start + np.random.default_rng(1).bytes(100_000)
    with pytest.raises(VoiceUnsupported, match=r"DTS|AC-3"):
        read_voice(wav(tmp_path / "d.wav", body, rate_hz=16_000, channels=2))


def test_text_noise_empty_missing_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "v.mp3"
    path.write_text("no sound at all\n" * 50)
    with pytest.raises(VoiceUnsupported, match="text"):
        read_voice(path)
    path.write_bytes(np.random.default_rng(3).bytes(100_000))
    with pytest.raises(VoiceUnsupported, match="unknown"):
        read_voice(path)
    path.write_bytes(b"")
    with pytest.raises(VoiceUnreadable, match="empty"):
        read_voice(path)
    with pytest.raises(FileMissing):
        read_voice(tmp_path / "none.wav")
    with pytest.raises(FileMissing):
        read_voice(tmp_path)


def test_a_header_without_samples_is_empty(tmp_path: Path) -> None:
    with pytest.raises(VoiceUnreadable, match="empty"):
        read_voice(wav(tmp_path / "h.wav", b"", rate_hz=16_000))


def test_bytes_are_limited(tmp_path: Path, tone) -> None:
    path = wav(tmp_path / "b.wav", integers(tone(1.0, 8_000).samples, 16), rate_hz=8_000)
    with pytest.raises(VoiceTooLarge, match="MiB"):
        read_voice(path, VoiceLimits(max_bytes=10_000))


def test_limits_are_checked() -> None:
    with pytest.raises(SettingOutOfRange):
        VoiceLimits(min_s=3.0, max_s=2.0)
    with pytest.raises(SettingOutOfRange):
        VoiceLimits(max_bytes=0)


def test_damaged_files_give_a_voice_or_one_of_our_errors(tmp_path: Path, tone) -> None:
    rng = np.random.default_rng(4)
    voice = tone(1.2, 16_000)
    wholes = (
        wav(tmp_path / "w.wav", integers(voice.samples, 16), rate_hz=16_000).read_bytes(),
        mp3(tmp_path / "w.mp3", voice).read_bytes(),
    )
    path = tmp_path / "damaged"
    for whole in wholes:
        for _ in range(60):
            damaged = np.frombuffer(whole, np.uint8).copy()
            damaged[rng.integers(0, 80, 3)] = rng.integers(0, 256, 3)
            damaged[rng.integers(0, len(whole), 20)] = rng.integers(0, 256, 20)
            path.write_bytes(damaged.tobytes())
            try:
                read = read_voice(path)
            except VoiceError as error:
                assert path.name in str(error)
            else:
                assert np.all(np.isfinite(read.samples)) and read.samples.shape[1] in (1, 2)


@pytest.mark.parametrize("channels", [3, 4, 6])
def test_inverted_channels_do_not_silence_each_other(tmp_path: Path, tone, channels: int) -> None:
    voice = tone(1.0, 16_000)
    signs = np.where(np.arange(channels) % 2, -1.0, 1.0)
    body = integers((voice.samples * signs).astype(np.float32), 16)
    read = read_voice(wav(tmp_path / "c.wav", body, rate_hz=16_000, channels=channels))
    assert np.abs(np.abs(read.samples) - np.abs(voice.samples)).max() < 1e-4


def test_channels_that_cancel_in_pairs_leave_the_loudest(tmp_path: Path, tone) -> None:
    voice = tone(1.0, 16_000).samples[:, 0]
    turned = np.roll(voice, 9)  # a quarter of a period: like neither it nor its inverse
    four = np.stack([voice, turned, -0.5 * voice - turned, -0.5 * voice], axis=1) / 2
    body = integers(four.astype(np.float32), 16)
    read = read_voice(wav(tmp_path / "c.wav", body, rate_hz=16_000, channels=4))
    assert np.abs(read.samples).max() > 0.1


def test_an_mp3_of_two_rates_is_played_at_that_of_most_of_it(tmp_path: Path, tone) -> None:
    low, high = tone(1.0, 22_050), tone(2.0, 44_100)
    both = b"".join(mp3(tmp_path / "p.mp3", part).read_bytes() for part in (low, high))
    path = tmp_path / "two.mp3"
    path.write_bytes(both)
    read = read_voice(path)
    assert read.rate_hz == 44_100
    assert read.duration_s == pytest.approx(3.0, abs=0.002)
    assert _pitch_hz(read) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("size", [1, 3_000, 8_000, 200_000])
def test_other_data_before_an_mp3_is_passed_over(tmp_path: Path, tone, size: int) -> None:
    voice = tone(1.3, 44_100)
    sound = mp3(tmp_path / "v.mp3", voice).read_bytes()
    path = tmp_path / "junk.mp3"
    path.write_bytes(np.random.default_rng(size).bytes(size) + sound)
    assert len(read_voice(path).samples) == len(voice.samples)


def test_id3_before_other_kinds_is_no_mp3(tmp_path: Path, tone) -> None:
    tag = b"ID3\4\0\0\0\0\1\0" + bytes(128)
    for container, codec, name in (
        ("adts", "aac", "AAC"), ("mp2", "mp2", "layer II"), ("flac", "flac", "FLAC"),
    ):  # fmt: skip
        path = compressed(tmp_path / "v.mp3", tone(1.5, 48_000), container, codec)
        path.write_bytes(tag + path.read_bytes())
        with pytest.raises(VoiceUnsupported, match=name):
            read_voice(path, VoiceLimits.service())
        if codec != "mp2":
            assert read_voice(path).duration_s == pytest.approx(1.5, abs=0.05)


def test_every_reported_recording_has_its_right_value(samples: Path) -> None:
    right = {  # name: (seconds, peak)
        "rifx.wav": (3.0, 0.60),
        "glued_wavs.wav": (3.0, 0.60),
        "header_says_0.5s_of_3s.wav": (3.0, 0.62),
        "glued_streamed_wavs_zero.wav": (3.0, 0.60),
        "s64.wav": (3.0, 0.60),
        "antiphase_4ch.wav": (3.0, 0.62),
        "adts_named.mp3": (3.04, 0.61),
        "voice.m4a": (3.0, 0.62),
        "whatsapp.ogg": (3.0, 0.57),
        "recorder.webm": (3.0, 0.57),
        "voice.flac": (3.0, 0.62),
        "junk_8k_first.mp3": (3.0, 0.60),
        "two_rates.mp3": (3.0, 0.60),
    }
    for name, (duration_s, peak) in right.items():
        read = read_voice(samples / "reported" / name)
        assert read.duration_s == pytest.approx(duration_s, abs=0.02), name
        assert np.abs(read.samples).max() == pytest.approx(peak, abs=0.02), name
        assert (read.notices != ()) == name.startswith("header_says"), name
    for name in ("adts_named.mp3", "voice.m4a", "whatsapp.ogg", "recorder.webm", "voice.flac"):
        with pytest.raises(VoiceUnsupported, match=r"AAC|M4A|Ogg|WebM|FLAC"):
            read_voice(samples / "reported" / name, VoiceLimits.service())


def test_all_sample_voices_are_read(samples: Path) -> None:
    for path in sorted((samples / "voices").iterdir()):
        voice = read_voice(path)
        assert voice.samples.shape[1] in (1, 2)
        assert 1.0 <= voice.duration_s <= 180.0


def test_an_mp3_lasts_as_long_as_the_recording_it_was_made_from(samples: Path) -> None:
    voice = read_voice(samples / "voices" / "en_woman_vbr_id3_cover.mp3")
    # LJ001-0005 has 178845 samples; without trimming the file decodes to more than 180000.
    assert len(voice.samples) == 178_845


def test_bad_audio_gets_its_outcome(samples: Path) -> None:
    expected = {
        "digital_silence_1_5s.wav": VoiceSilent,
        "empty.mp3": VoiceUnreadable,
        "half_second.wav": VoiceTooShort,
        "header_only.wav": VoiceUnreadable,
        "lying_data_size_0.wav": 5.68,
        "lying_sizes_ffffffff.wav": 9.66,
        "noise_no_voice.wav": 1.41,
        "text_renamed.wav": VoiceUnsupported,
        "too_long_181s.mp3": VoiceTooLong,
        "truncated.mp3": 4.49,
        "video_renamed.wav": VoiceUnsupported,
        "wav_or_mov_named_mp3.mp3": 6.32,
    }
    assert {path.name for path in (samples / "bad_audio").iterdir()} == set(expected)
    limits = VoiceLimits.service("all")
    for name, outcome in expected.items():
        start = time.perf_counter()
        if isinstance(outcome, float):
            read = read_voice(samples / "bad_audio" / name, limits)
            assert read.duration_s == pytest.approx(outcome, abs=0.006)
        else:
            with pytest.raises(outcome):
                read_voice(samples / "bad_audio" / name, limits)
        assert time.perf_counter() - start < 5.0
