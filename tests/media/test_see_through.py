"""Files with transparency hold the colours, the shares and the sound that went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from portravox.errors import EncodingFailed, SettingOutOfRange
from portravox.inspection import inspect_file
from portravox.labels.aigc import AiLabel
from portravox.labels.carriers import read_carried
from portravox.labels.visible import visible_label
from portravox.media.encode import VideoSettings, VideoWriter
from portravox.media.planes import Planes
from portravox.media.see_through import opener
from portravox.media.waveform import Waveform

WIDTH, HEIGHT, FPS = 128, 96, 24

Made = tuple[Path, VideoSettings]


def _frame(shift: int) -> Planes:
    """Smooth colours, and a share that rises from left to right."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rgb = np.stack([x + shift, y * 2, 180 - x], axis=2).clip(0, 255).astype(np.uint8)
    drawn = Planes.of(rgb)
    return Planes(drawn.luma, drawn.cb, drawn.cr, (x * 2).astype(np.uint8))


@pytest.fixture(scope="module", params=[".webm", ".mov"])
def made(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("clear") / f"v{request.param}"
    times_s = np.arange(22_050) / 22_050
    tone = (0.5 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32)
    with VideoWriter(
        path,
        width_px=WIDTH,
        height_px=HEIGHT,
        fps=FPS,
        frames=FPS,
        voice=Waveform(tone[:, None], 22_050),
        settings=VideoSettings(visible_label="en"),
        label=AiLabel(producer="某公司", content_id="0123"),
        open_video=opener(path),
    ) as writer:
        for n in range(FPS):
            writer.write(_frame(2 * n))
    return path


def _decoded(path: Path) -> list[Any]:
    with av.open(str(path)) as file:
        if path.suffix == ".mov":
            return list(file.decode(video=0))
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own knows no alpha
        return [frame for packet in file.demux(video=0) for frame in decoder.decode(packet)]


def test_colours_and_shares_come_back_in_order(made: Path) -> None:
    frames = _decoded(made)
    assert len(frames) == FPS
    label = visible_label("en", WIDTH, HEIGHT)
    for n, seen in enumerate(frames):
        sent = _frame(2 * n)
        assert sent.alpha is not None
        shown = seen.to_ndarray(format="rgba").astype(int)[: label.top_px]
        assert np.abs(shown[..., 3] - sent.alpha[: label.top_px]).mean() < 3.0
        assert np.abs(shown[..., :3] - sent.rgb()[: label.top_px].astype(int)).mean() < 5.0


def test_the_visible_label_can_be_seen_where_nothing_else_is(made: Path) -> None:
    label = visible_label("en", WIDTH, HEIGHT)
    seen = _decoded(made)[3].to_ndarray(format="rgba")
    height, width = label.grey.shape
    here = np.s_[label.top_px : label.top_px + height, label.left_px : label.left_px + width]
    solid = label.opacity > 0.95
    assert seen[here][solid][:, 3].min() > 200


def test_the_sound_is_as_long_and_as_high(made: Path) -> None:
    with av.open(str(made)) as file:
        blocks = [frame.to_ndarray() for frame in file.decode(audio=0)]
        rate_hz = file.streams.audio[0].rate
        assert file.streams.video[0].average_rate == FPS
    samples = np.concatenate([block.reshape(-1) for block in blocks]).astype(float)
    assert len(samples) / rate_hz == pytest.approx(1.0, abs=0.03)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * rate_hz / len(samples) == pytest.approx(440, abs=2)


def test_it_says_that_a_machine_made_it(made: Path) -> None:
    found = inspect_file(made)
    assert (found.kind, found.says_machine_made) == (
        {".webm": "WebM", ".mov": "MOV"}[made.suffix],
        True,
    )
    label, comment = found.marks
    assert (label.valid, label.is_ours, label.fields["ProduceID"]) == (True, True, "0123")
    assert comment.is_ours


def test_a_file_cut_short_or_spoilt_is_looked_through_all_the_same(made: Path) -> None:
    content = made.read_bytes()
    rng = np.random.default_rng(0)
    for end in rng.integers(0, len(content), 40):
        read_carried(content[:end])
    for _ in range(40):
        spoilt = bytearray(content)
        for at in rng.integers(0, 400, 8):
            spoilt[at] = rng.integers(0, 256)
        read_carried(bytes(spoilt))


def test_another_ending_is_refused_and_so_are_frames_without_alpha(tmp_path: Path) -> None:
    with pytest.raises(SettingOutOfRange, match=r"\.webm or \.mov"):
        opener(tmp_path / "v.mp4")
    path = tmp_path / "v.webm"
    voice = Waveform(np.zeros((8000, 1), np.float32), 16_000)
    with (
        pytest.raises(EncodingFailed, match="alpha"),
        VideoWriter(
            path, width_px=64, height_px=64, fps=24, frames=12, voice=voice,
            open_video=opener(path),
        ) as writer,
    ):  # fmt: skip
        writer.write(Planes.of(np.zeros((64, 64, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []
