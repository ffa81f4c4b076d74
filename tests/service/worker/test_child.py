"""The files of a task are read by the limits of the service, whatever the pipeline would take."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portravox.demo import demo_portrait
from portravox.engines.registry import open_engine
from portravox.errors import NoFaceFound, PictureUnsupported, VoiceTooLong, VoiceUnsupported
from portravox.inspection import Inspection
from portravox.labels.watermark import Bits, Watermark
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.options import JobOptions
from portravox.service.detector import _with_own_watermark
from portravox.service.disk import DiskSpace
from portravox.service.errors import StorageFailed
from portravox.service.worker import child, child_render
from portravox.service.worker.child import _inspected, _written_plainly
from portravox.service.worker.messages import (
    LIGHT_NAME,
    PLAIN_NAME,
    Formats,
    InputFile,
    InspectRequest,
    PlainRequest,
    RenderRequest,
    decode_event,
    encode,
)
from portravox.service.worker.process import MAX_LIGHT_BYTES
from tests.media.test_voice_file import compressed


def tone(seconds: float, rate_hz: int) -> Waveform:
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = (0.5 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32)
    return Waveform(samples[:, None], rate_hz)


@pytest.mark.parametrize(
    ("picture", "pictures", "voices", "outcome"),
    [
        ("PNG", "original", "original", VoiceUnsupported),
        ("PNG", "original", "all", NoFaceFound),  # so the recording was read
        ("GIF", "original", "all", PictureUnsupported),
        ("AVIF", "original", "all", PictureUnsupported),
        ("GIF", "all", "all", NoFaceFound),
        ("AVIF", "all", "all", NoFaceFound),
    ],
)
def test_what_the_operator_allows_is_taken_and_nothing_else(
    tmp_path: Path, picture: str, pictures: Formats, voices: Formats, outcome: type[Exception]
) -> None:
    Image.new("RGB", (200, 200), (90, 90, 90)).save(tmp_path / "image", picture)
    compressed(tmp_path / "memo.m4a", tone(1.5, 48_000), "mp4", "aac").rename(tmp_path / "audio")
    request = RenderRequest(
        number=1,
        folder=str(tmp_path),
        parameters={},
        picture_formats=pictures,
        voice_formats=voices,
    )
    with pytest.raises(outcome):
        child_render.rendered(request, lambda event: None, open_engine)


@pytest.mark.parametrize(("max_s", "outcome"), [(180.0, VoiceTooLong), (200.0, NoFaceFound)])
def test_a_recording_may_be_as_long_as_the_operator_says(
    tmp_path: Path, max_s: float, outcome: type[Exception]
) -> None:
    Image.new("RGB", (200, 200), (90, 90, 90)).save(tmp_path / "image", "PNG")
    compressed(tmp_path / "long.mp3", tone(190.0, 8_000), "mp3", "libmp3lame", b="8000").rename(
        tmp_path / "audio"
    )
    request = RenderRequest(number=1, folder=str(tmp_path), parameters={}, max_voice_s=max_s)
    with pytest.raises(outcome):
        child_render.rendered(request, lambda event: None, open_engine)


def test_a_file_is_inspected_and_its_answer_is_one_that_is_believed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(demo_portrait().read_bytes())
    done = _inspected(InspectRequest(number=1, folder=str(tmp_path)))
    assert decode_event(encode(done)) == done
    assert (done.inspection.kind, done.inspection.marks) == ("PNG", ())


def test_who_has_a_key_of_his_own_is_left_what_a_mark_is_looked_for_in(tmp_path: Path) -> None:
    luma = Planes.of(read_picture(demo_portrait()).pixels).luma
    Watermark.of("a key of somebody's own", Bits.of("a", "b")).levels(luma).add(luma, luma)
    Image.fromarray(luma).save(tmp_path / "file", "PNG")
    _inspected(InspectRequest(number=1, folder=str(tmp_path), keeps_light=True))
    light = (tmp_path / LIGHT_NAME).read_bytes()
    assert len(light) <= MAX_LIGHT_BYTES
    found = _with_own_watermark(
        Inspection(kind="PNG", is_known=True, marks=()),
        tmp_path / LIGHT_NAME,
        "a key of somebody's own",
    )
    assert found.marks[0].fields["number"] == Bits.of("a", "b").number_hex


def test_what_a_browser_cannot_open_becomes_a_wav_as_long(tmp_path: Path) -> None:
    memo = compressed(
        tmp_path / "memo.amr", tone(1.5, 8_000), "amr", "libopencore_amrnb", b="12200"
    )
    memo.rename(tmp_path / "audio")
    _written_plainly(PlainRequest(number=1, folder=str(tmp_path), file="audio"))
    plain = tmp_path / PLAIN_NAME
    assert plain.read_bytes()[:4] == b"RIFF"
    assert read_voice(plain).duration_s == pytest.approx(1.5, abs=0.025)


def test_a_rate_that_no_browser_plays_is_brought_to_one_that_they_do(tmp_path: Path) -> None:
    compressed(tmp_path / "v.flac", tone(1.5, 96_000), "flac", "flac").rename(tmp_path / "audio")
    _written_plainly(PlainRequest(number=1, folder=str(tmp_path), file="audio"))
    plain = read_voice(tmp_path / PLAIN_NAME)
    assert (plain.rate_hz, plain.duration_s) == (48_000, pytest.approx(1.5, abs=0.001))


@pytest.mark.parametrize("file", ["audio", "image"])
def test_nothing_is_written_plainly_where_the_disk_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: InputFile
) -> None:
    monkeypatch.setattr(child, "DiskSpace", partial(DiskSpace, reserve_bytes=2**62))
    Image.new("RGB", (300, 200)).save(tmp_path / "image", "PNG")
    compressed(tmp_path / "v.flac", tone(1.5, 48_000), "flac", "flac").rename(tmp_path / "audio")
    with pytest.raises(StorageFailed):
        _written_plainly(PlainRequest(number=1, folder=str(tmp_path), file=file))
    assert not (tmp_path / PLAIN_NAME).exists()


def test_a_picture_that_a_browser_cannot_open_becomes_a_jpeg_as_large(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (90, 120, 150)).save(tmp_path / "image", "AVIF")
    _written_plainly(PlainRequest(number=1, folder=str(tmp_path), file="image"))
    with Image.open(tmp_path / PLAIN_NAME) as plain:
        assert (plain.format, plain.size) == ("JPEG", (300, 200))
        assert np.abs(np.asarray(plain).astype(int) - (90, 120, 150)).max() <= 3


def test_previews_of_a_labelled_video_are_labelled(tmp_path: Path) -> None:
    frame = Planes.of(np.full((256, 256, 3), 200, np.uint8))
    shown = {}
    for label in ("zh", None):
        file = tmp_path / f"{label}.jpg"
        child_render._Previewer(file, JobOptions(visible_label=label))(frame)  # type: ignore[arg-type]
        with Image.open(file) as picture:
            shown[label] = np.asarray(picture.convert("L")).astype(int)
    assert np.abs(shown["zh"] - shown[None])[-60:, -120:].max() > 40
