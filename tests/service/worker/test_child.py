"""The files of a task are read by the limits of the service, whatever the pipeline would take."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portravox.demo import demo_portrait
from portravox.errors import NoFaceFound, PictureUnsupported, VoiceUnsupported
from portravox.media.waveform import Waveform
from portravox.service.worker.child import _inspected, _rendered
from portravox.service.worker.messages import (
    InspectRequest,
    RenderRequest,
    VoiceFormats,
    decode_event,
    encode,
)
from tests.media.test_voice_file import compressed


@pytest.mark.parametrize(
    ("picture", "formats", "outcome"),
    [
        ("PNG", "original", VoiceUnsupported),
        ("PNG", "all", NoFaceFound),  # so the recording was read
        ("GIF", "all", PictureUnsupported),
    ],
)
def test_what_the_operator_allows_is_taken_and_nothing_else(
    tmp_path: Path, picture: str, formats: VoiceFormats, outcome: type[Exception]
) -> None:
    Image.new("RGB", (200, 200), (90, 90, 90)).save(tmp_path / "image", picture)
    times_s = np.arange(72_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32)
    memo = compressed(tmp_path / "memo.m4a", Waveform(tone[:, None], 48_000), "mp4", "aac")
    memo.rename(tmp_path / "audio")
    request = RenderRequest(number=1, folder=str(tmp_path), parameters={}, voice_formats=formats)
    with pytest.raises(outcome):
        _rendered(request, io.BytesIO())


def test_a_file_is_inspected_and_its_answer_is_one_that_is_believed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(demo_portrait().read_bytes())
    done = _inspected(InspectRequest(number=1, folder=str(tmp_path)))
    assert decode_event(encode(done)) == done
    assert (done.inspection.kind, done.inspection.marks) == ("PNG", ())
