"""Frames in which a mark is looked for: some of a video, of files that may be anything."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.demo import VOICE, demo_portrait
from portravox.labels.watermark import Bits, Watermark
from portravox.labels.watermark_reading import read_watermark
from portravox.media import mean_luma as module
from portravox.media.encode import VideoWriter
from portravox.media.live_video import LiveVideo
from portravox.media.mean_luma import mean_luma
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

KEY = "a key that only this test has"
BITS = Bits.of("Somebody", "0123")
FRAMES = 12


@pytest.fixture(scope="module")
def frame() -> Planes:
    return Planes.of(read_picture(demo_portrait()).pixels)


@pytest.fixture(scope="module")
def video(frame: Planes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("marked") / "v.mp4"
    with VideoWriter(
        path,
        width_px=512,
        height_px=512,
        fps=24,
        frames=FRAMES,
        voice=Waveform(np.zeros((8000, 1), np.float32), 16_000),
        watermark=Watermark.of(KEY, BITS),
    ) as writer:
        for _ in range(FRAMES):
            writer.write(frame)
    return path


def encoded(frames: list[UInt8], crf: int, codec: str = "libx264", kind: str = "mp4") -> bytes:
    file = io.BytesIO()
    height, width = frames[0].shape
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(crf)}
        for number, luma in enumerate(frames):
            grey = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
            grey.pts, grey.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(grey))
        container.mux(stream.encode(None))
    return file.getvalue()


def test_a_mark_outlives_an_encoder_that_is_not_ours(video: Path) -> None:
    with av.open(str(video)) as container:
        shown = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(shown) == FRAMES
    luma = mean_luma(video, encoded(shown, crf=30))
    assert luma is not None and luma.shape == (512, 512)
    found = read_watermark(luma, (KEY,))
    assert found is not None and found.bits == BITS


def test_frames_of_the_engine_are_not_touched(frame: Planes, video: Path) -> None:
    del video
    again = Planes.of(read_picture(demo_portrait()).pixels)
    assert np.array_equal(frame.luma, again.luma)


def test_a_live_video_carries_it_too(frame: Planes) -> None:
    live = LiveVideo(width_px=512, height_px=512, fps=24, watermark=Watermark.of(KEY, BITS))
    sound = np.zeros((2000, 1), np.float32)
    pieces = [live.init_segment, *(live.add(frame, sound) for _ in range(5)), live.finish()]
    luma = mean_luma(Path("live.mp4"), b"".join(pieces))
    assert luma is not None
    found = read_watermark(luma, (KEY,))
    assert found is not None and found.bits == BITS


def test_webm_is_read(frame: Planes) -> None:
    grey = np.repeat(np.arange(0, 256, 2, dtype=np.uint8)[np.newaxis], 128, axis=0)
    luma = mean_luma(Path("v.webm"), encoded([grey] * 3, 20, "libvpx", "webm"))
    assert luma is not None and luma.shape == (128, 128)


def test_a_picture_is_its_own_mean(frame: Planes) -> None:
    luma = mean_luma(demo_portrait(), demo_portrait().read_bytes())
    assert luma is not None and np.array_equal(luma, frame.luma)


@pytest.mark.parametrize("kept", [0, 20, 3_000, 30_000])
def test_what_breaks_off_gives_less_or_nothing(video: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(video.read_bytes()[:kept])
    luma = mean_luma(path, path.read_bytes())
    assert luma is None or luma.shape == (512, 512)


def test_sound_has_no_pictures() -> None:
    assert mean_luma(VOICE, VOICE.read_bytes()) is None


def test_frames_beyond_the_bound_are_not_decoded(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 512 * 512 - 1)
    assert mean_luma(video, video.read_bytes()) is None


def test_time_is_bounded(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_S", 0.0)
    assert mean_luma(video, video.read_bytes()) is None  # the first packet gives no frame yet
