"""The file holds the frames and the sound that went in, in step, or does not appear at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr

from benchmarks.probe import probe_video, read_frames, read_sound
from portravox.clock import frame_count
from portravox.errors import EncodingFailed, OutputNotWritable, SettingOutOfRange
from portravox.labels.aigc import AiLabel
from portravox.labels.visible import visible_label
from portravox.media import encode
from portravox.media.encode import (
    PRESETS,
    QUALITIES,
    SoundBlocks,
    VideoSettings,
    VideoWriter,
    check_writable,
)
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

SIZE = (96, 64)


def gradient(shift: int = 0) -> np.ndarray:
    """(64, 96, 3) smooth colours."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.stack([x * 2 + shift, y * 3, 200 - x - y], axis=2).clip(0, 255).astype(np.uint8)


def write(path: Path, voice: Waveform, frames: Iterator[np.ndarray] | None = None, **options):
    fps = options.pop("fps", 24)
    count = frame_count(voice.duration_s, fps)
    with VideoWriter(
        path, width_px=SIZE[0], height_px=SIZE[1], fps=fps, frames=count, voice=voice, **options
    ) as writer:
        for frame in frames or (gradient() for _ in range(count)):
            writer.write(frame if isinstance(frame, Planes) else Planes.of(frame))


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if ".part" in p.name]


@pytest.mark.parametrize("fps", [15, 24, 25, 30])
def test_a_video_is_what_players_expect(tmp_path: Path, tone, fps: int) -> None:
    path = tmp_path / "v.mp4"
    voice = tone(1.33, 48_000)
    write(path, voice, fps=fps)
    info = probe_video(path)
    assert (info.width_px, info.height_px) == SIZE
    assert info.fps == fps
    assert info.frames == frame_count(1.33, fps)
    assert (info.video_codec, info.profile, info.pixel_format) == ("h264", "High", "yuv420p")
    assert (info.color_primaries, info.color_transfer, info.color_matrix) == (1, 1, 1)
    assert info.limited_range
    assert info.sound_codec == "aac"
    assert info.start_s == info.sound_start_s == 0.0
    assert info.duration_s == pytest.approx(info.frames / fps)
    assert abs(info.sound_duration_s - 1.33) < 1e-3
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("rate_hz", "to_hz"), [(48_000, 48_000), (22_050, 48_000)])
def test_sound_taken_in_blocks_is_what_it_is_at_once(tone, rate_hz: int, to_hz: int) -> None:
    loud = tone(4.0, rate_hz, channels=2, level=2.0)
    blocks = SoundBlocks(loud, to_hz)
    taken = [blocks.take(1024)]
    while len(taken[-1]):
        taken.append(blocks.take(1024))
    whole = np.concatenate(taken)
    wanted = loud.samples if rate_hz == to_hz else soxr.resample(loud.samples, rate_hz, to_hz)
    assert np.array_equal(whole, wanted / np.abs(wanted).max())
    assert {len(block) for block in taken[:-2]} == {1024}


def test_the_index_comes_before_the_pictures(tmp_path: Path, tone) -> None:
    write(tmp_path / "v.mp4", tone(1.0, 48_000))
    content = (tmp_path / "v.mp4").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_frames_come_back_in_order_and_in_their_colours(tmp_path: Path, tone) -> None:
    frames = [gradient(shift=5 * n) for n in range(24)]
    write(tmp_path / "v.mp4", tone(1.0, 48_000), iter(frames), settings=VideoSettings(crf=8))
    for sent, seen in zip(frames, read_frames(tmp_path / "v.mp4"), strict=True):
        assert np.abs(seen.astype(int) - sent).mean() < 1.5


def test_a_frame_may_be_overwritten_after_it_was_given(tmp_path: Path, tone) -> None:
    def one_array() -> Iterator[np.ndarray]:
        frame = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
        for n in range(48):
            frame[:] = 40 + 4 * n
            yield frame
            frame[:] = 0

    write(tmp_path / "v.mp4", tone(2.0, 48_000), one_array())
    levels = [frame.mean() for frame in read_frames(tmp_path / "v.mp4")]
    assert np.abs(np.array(levels) - (40 + 4 * np.arange(48))).max() < 2


@pytest.mark.parametrize(
    ("duration_s", "rate_hz", "channels"),
    [(2.0, 48_000, 1), (2.0, 44_100, 2), (2.0, 16_000, 1), (2.0, 22_050, 2), (180.0, 16_000, 1)],
)
def test_click_and_flash_stay_together(
    tmp_path: Path, duration_s: float, rate_hz: int, channels: int
) -> None:
    fps = 15
    count = frame_count(duration_s, fps)
    flashes = [0, count // 2, count - fps // 2]
    samples = np.zeros((round(duration_s * rate_hz), channels), np.float32)
    burst = np.sin(2 * np.pi * 1_000 * np.arange(rate_hz // 100) / rate_hz)
    for flash in flashes:
        at = round(flash / fps * rate_hz)
        samples[at : at + len(burst)] = 0.9 * burst[:, None]
    frames = (
        np.full((SIZE[1], SIZE[0], 3), 230 if n in flashes else 30, np.uint8) for n in range(count)
    )
    path = tmp_path / "v.mp4"
    write(path, Waveform(samples, rate_hz), frames, fps=fps)

    assert [n for n, frame in enumerate(read_frames(path)) if frame.mean() > 150] == flashes
    sound = read_sound(path)
    assert sound.samples.shape[1] == channels
    assert sound.rate_hz == (rate_hz if rate_hz in (44_100, 48_000) else 48_000)
    loud_s = np.flatnonzero(np.abs(sound.mono()) > 0.3) / sound.rate_hz
    for flash in flashes:
        after = loud_s[loud_s > flash / fps - 0.1]
        assert abs(after[0] - flash / fps) < 0.002
    assert abs(probe_video(path).sound_duration_s - duration_s) < 0.002


def test_sound_comes_back_as_it_went_in(tmp_path: Path, tone) -> None:
    voice = tone(2.0, 48_000, 2)
    write(tmp_path / "v.mp4", voice)
    sound = read_sound(tmp_path / "v.mp4").samples
    assert abs(len(sound) - len(voice.samples)) <= 48
    middle = slice(24_000, 72_000)
    for channel in range(2):  # the second is half as loud: not swapped, not mixed
        error = sound[middle, channel] - voice.samples[middle, channel]
        assert np.sqrt(np.mean(error**2)) < 0.01


def test_sound_beyond_full_scale_is_turned_down_and_not_clipped(tmp_path: Path, tone) -> None:
    write(tmp_path / "v.mp4", tone(1.0, 48_000, level=3.0))
    spectrum = np.abs(np.fft.rfft(read_sound(tmp_path / "v.mp4").mono()[12_000:36_000]))
    fundamental = spectrum.argmax()
    third = spectrum[3 * fundamental - 5 : 3 * fundamental + 6].max()
    assert third < 0.01 * spectrum[fundamental]  # a clipped sine has a third harmonic


def test_the_same_input_gives_the_same_file(tmp_path: Path, tone) -> None:
    # A width that is no round number of macroblocks, and busy motion: the case that x264 fails
    # with AVX-512, though only now and then, by what earlier work left in memory.
    y, x = np.mgrid[:256, :424]
    files = set()
    for _ in range(4):
        with VideoWriter(
            tmp_path / "v.mp4",
            width_px=424,
            height_px=256,
            fps=24,
            frames=24,
            voice=tone(1.0, 44_100),
        ) as writer:
            for n in range(24):
                frame = np.stack([x * 2 + n, y * 3 + 2 * n, x * y // 50], axis=2) % 256
                writer.write(Planes.of(frame.astype(np.uint8)))
        files.add((tmp_path / "v.mp4").read_bytes())
    assert len(files) == 1


def test_every_video_is_labelled(tmp_path: Path, tone) -> None:
    label = AiLabel(producer="某公司", content_id="0123")
    write(tmp_path / "v.mp4", tone(1.0, 48_000), label=label)
    info = probe_video(tmp_path / "v.mp4")
    assert info.aigc is not None
    assert (info.aigc["Label"], info.aigc["ContentProducer"]) == ("1", "某公司")
    assert info.aigc["ProduceID"] == "0123"
    assert "AI-generated" in info.metadata["comment"]


def test_a_video_without_its_label_is_not_kept(tmp_path: Path, tone, monkeypatch) -> None:
    def close(self) -> None:
        """The file is whole, but for a digit of its label."""
        self._file.close()
        file = Path(self._file.name)
        file.write_bytes(file.read_bytes().replace(b'"Label":"1"', b'"Label":"0"'))

    monkeypatch.setattr("portravox.media.encode._Mp4.close", close)
    with pytest.raises(EncodingFailed, match="does not carry AIGC; it was not kept"):
        write(tmp_path / "v.mp4", tone(1.0, 48_000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_visible_label_is_on_every_frame_and_nowhere_else(
    tmp_path: Path, tone, language: str
) -> None:
    frame = np.full((SIZE[1], SIZE[0], 3), (160, 60, 30), np.uint8)
    settings = replace(QUALITIES["high"], visible_label=language)
    write(tmp_path / "v.mp4", tone(1.0, 48_000), (frame for _ in range(24)), settings=settings)
    assert np.all(frame == (160, 60, 30))  # the caller's own frame is left alone
    overlay = visible_label(language, *SIZE)
    height, width = overlay.grey.shape
    rows = slice(overlay.top_px, overlay.top_px + height)
    cols = slice(overlay.left_px, overlay.left_px + width)
    opacity = overlay.opacity[..., None]
    wanted = frame[rows, cols] * (1 - opacity) + 255 * overlay.grey[..., None] * opacity
    for seen in read_frames(tmp_path / "v.mp4"):
        # Colour has half the resolution; what counts for reading is the brightness.
        assert np.abs(seen[rows, cols].mean(axis=2) - wanted.mean(axis=2)).mean() < 8
        assert np.abs(seen[: overlay.top_px - 8].astype(int) - frame[0, 0]).max() < 12


def test_a_label_may_be_seen_in_another_corner_and_for_the_first_seconds(
    tmp_path: Path, tone
) -> None:
    """Of three seconds two, no frame less."""
    grey = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    settings = replace(QUALITIES["high"], visible_label="en", label_place="top-left", label_s=2)
    write(tmp_path / "v.mp4", tone(3.0, 48_000), (grey for _ in range(72)), settings=settings)
    half = slice(SIZE[1] // 2), slice(SIZE[0] // 2)
    is_labelled = []
    for seen in read_frames(tmp_path / "v.mp4"):
        away = np.abs(seen.astype(int) - 128).max(axis=2) > 40
        is_labelled.append(bool(away[half].any()))
        away[half] = False
        assert not away[SIZE[1] // 2 :].any()
    assert is_labelled == [True] * 48 + [False] * 24


def test_what_was_there_is_replaced_only_by_a_whole_video(tmp_path: Path, tone) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"old")
    voice = tone(1.0, 48_000)
    for interruption in (KeyboardInterrupt, RuntimeError, GeneratorExit):

        def frames(kind: type[BaseException] = interruption) -> Iterator[np.ndarray]:
            for _ in range(10):
                yield gradient()
            assert path.read_bytes() == b"old"
            raise kind

        with pytest.raises(interruption):
            write(path, voice, frames())
        assert path.read_bytes() == b"old"
        assert leftovers(tmp_path) == []
    write(path, voice)
    assert probe_video(path).frames == 24


def test_the_file_may_be_read_by_whom_the_umask_allows(tmp_path: Path, tone) -> None:
    write(tmp_path / "v.mp4", tone(1.0, 48_000))
    (tmp_path / "plain").touch()
    assert (tmp_path / "v.mp4").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_names_that_look_like_addresses_are_names(tmp_path: Path, tone, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("http:a.mp4", "50%.mp4", "说话.mp4", "no_suffix", "-o.mp4"):
        write(Path(name), tone(1.0, 48_000))
        assert probe_video(name).frames == 24


@pytest.mark.parametrize("given", [0, 10, 23, 25])
def test_too_few_or_too_many_frames_leave_no_file(tmp_path: Path, tone, given: int) -> None:
    with pytest.raises(EncodingFailed, match="wanted 24"):
        write(tmp_path / "v.mp4", tone(1.0, 48_000), (gradient() for _ in range(given)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((SIZE[1], SIZE[0] + 2, 3), np.uint8),
        np.zeros((SIZE[1] - 2, SIZE[0], 3), np.uint8),
    ],
    ids=["wide", "low"],
)
def test_frames_of_another_shape_are_refused(tmp_path: Path, tone, frame) -> None:
    with pytest.raises(EncodingFailed, match="frame 0"):
        write(tmp_path / "v.mp4", tone(1.0, 48_000), iter([frame]))


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), OutputNotWritable),
        (ValueError("strange"), EncodingFailed),
    ],
)
def test_a_failure_in_the_encoding_thread_surfaces_and_leaves_nothing(
    tmp_path: Path, tone, monkeypatch, raised: Exception, seen: type[Exception]
) -> None:
    taken = 0
    add = encode._Mp4.add

    def failing(self, frame) -> None:
        nonlocal taken
        taken += 1
        if taken == 7:
            raise raised
        add(self, frame)

    monkeypatch.setattr(encode._Mp4, "add", failing)
    with pytest.raises(seen, match=str(raised.args[-1])):
        write(tmp_path / "v.mp4", tone(60.0, 48_000))
    assert taken == 7
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to play a full disk")
def test_a_full_disk_is_told_as_such(tmp_path: Path, tone, monkeypatch) -> None:
    part = tmp_path / ".v.part.mp4"
    monkeypatch.setattr(encode, "check_writable", lambda path: None)

    def on_full_disk(path: Path) -> Path:
        part.symlink_to("/dev/full")
        return part

    monkeypatch.setattr(encode, "create_part", on_full_disk)
    with pytest.raises(OutputNotWritable, match=r"(?i)no space"):
        write(tmp_path / "v.mp4", tone(1.0, 48_000))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_before_any_work(tmp_path: Path, tone) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "v.mp4", tmp_path / "file" / "v.mp4", tmp_path):
        with pytest.raises(OutputNotWritable):
            check_writable(path)
        with pytest.raises(OutputNotWritable):
            VideoWriter(path, width_px=64, height_px=64, fps=24, frames=24, voice=tone(1.0, 48_000))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputNotWritable, match="ermission"):
        check_writable(tmp_path / "v.mp4")


def test_sizes_rates_and_counts_are_checked(tmp_path: Path, tone) -> None:
    good = {"width_px": 64, "height_px": 64, "fps": 24, "frames": 24}
    for name, value in (("width_px", 63), ("height_px", 0), ("fps", 0), ("frames", 0)):
        with pytest.raises(SettingOutOfRange, match=name):
            VideoWriter(tmp_path / "v.mp4", **{**good, name: value}, voice=tone(1.0, 48_000))


@pytest.mark.parametrize(
    "options",
    [
        {"crf": 52},
        {"crf": 18.5},
        {"preset": "fastest"},
        {"threads": 0},
        {"b_frames": 17},
        {"lookahead_frames": -1},
        {"visible_label": "fr"},
        {"label_place": "middle"},
        {"label_s": 1},
    ],
)
def test_settings_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(SettingOutOfRange, match=next(iter(options))):
        VideoSettings(**options)  # type: ignore[arg-type]


def test_better_qualities_ask_for_more() -> None:
    crfs = [QUALITIES[name].crf for name in ("draft", "standard", "high")]
    efforts = [PRESETS.index(QUALITIES[name].preset) for name in ("draft", "standard", "high")]
    assert crfs == sorted(crfs, reverse=True)
    assert efforts == sorted(efforts)


def test_the_level_fits_the_size(tmp_path: Path, tone) -> None:
    # ITU-T H.264, table A-1: 1080p at 30 frames a second needs level 4.0.
    frame = Planes.of(np.zeros((1080, 1920, 3), np.uint8))
    with VideoWriter(
        tmp_path / "v.mp4", width_px=1920, height_px=1080, fps=30, frames=30, voice=tone(1, 48_000)
    ) as writer:
        for _ in range(30):
            writer.write(frame)
    assert probe_video(tmp_path / "v.mp4").level == 4.0


def test_importing_media_loads_no_codec_and_no_compiler() -> None:
    code = (
        "import sys, portravox.media.picture_file, portravox.media.voice_file;"
        "import portravox.media.encode, benchmarks.probe;"
        "heavy = {'av', 'PIL', 'numba', 'soxr', 'scipy'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
