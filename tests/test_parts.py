"""What goes to the encoder of a part is what went to the encoder of the whole video."""

from __future__ import annotations

import operator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.probe import probe_video
from portravox.animation.controls import ControlTrack
from portravox.clock import even_parts
from portravox.engines.embedded import EmbeddedEngine
from portravox.errors import EncodingFailed, EngineUnavailable
from portravox.labels.watermark import watermark_of
from portravox.media import encode
from portravox.options import JobOptions
from portravox.parts import Person, Plan, join_video, plan_video, render_part, stored_plan
from portravox.pipeline import Inputs, animate_inputs
from tests.talking import portrait, voice
from tests.test_pipeline import FlatEngine

OPTIONS = JobOptions(video_fps=15, visible_label="en", label_s=2, seed=3, frame="1:1")


@pytest.fixture
def inputs() -> Inputs:
    return Inputs(picture=portrait(), voice=voice())


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All frames as encoders get them."""
    kept: list[bytes] = []
    fill = encode.fill_frame

    def keeping(slot, *given):
        fill(slot, *given)
        kept.append(slot.to_ndarray().tobytes())

    monkeypatch.setattr(encode, "fill_frame", keeping)
    return kept


def test_labels_and_watermark_are_those_of_the_whole_video(
    inputs: Inputs, encoded: list[bytes], tmp_path: Path
) -> None:
    mark = watermark_of("k" * 16, "Portravox", "7")
    assert mark is not None
    engine = EmbeddedEngine()
    animate_inputs(
        inputs, tmp_path / "whole.mp4", OPTIONS, engine=engine, task_id="t", watermark=mark
    )
    whole = encoded.copy()
    encoded.clear()
    plan, person = plan_video(inputs, OPTIONS, engine=engine, task_id="t")
    parts = []
    for part in even_parts(len(plan.track), 15, 1.0):
        elsewhere = Person.of(inputs.picture, OPTIONS, None, engine=engine)
        path = tmp_path / f"{part.start}.mp4"
        read = stored_plan(plan.stored())
        render_part(elsewhere, read, OPTIONS, path, part, watermark=mark)
        parts.append((path, len(part)))
    assert len(parts) == 3
    assert len(encoded) == len(whole)
    assert all(map(operator.eq, encoded, whole))
    join_video(plan, parts, inputs.voice, tmp_path / "joined.mp4")
    assert probe_video(tmp_path / "joined.mp4") == probe_video(tmp_path / "whole.mp4")
    assert (person.avatar.frame_size(person.direction)) == (plan.width_px, plan.height_px)


def plan_of(frames: int = 3) -> Plan:
    values = np.zeros((frames, 27), np.float32)
    return Plan(track=ControlTrack(values, 15), width_px=64, height_px=64, content_id="7")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}\n",
        b"[1]\n",
        b"[" * 4000 + b"\n",
        plan_of().stored()[:-4],
        plan_of().stored().replace(b'"frames": 3', b'"frames": 2'),
        plan_of().stored().replace(b'"fps": 15', b'"fps": 15.0'),
        plan_of().stored()[:-4] + np.float32("nan").tobytes(),
        plan_of().stored()[:-4] + np.float32(1e9).tobytes(),
    ],
)
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    with pytest.raises(EncodingFailed):
        stored_plan(content)


def test_frames_beyond_the_plan_and_of_another_size_are_refused(tmp_path: Path) -> None:
    person = Person.of(portrait(), JobOptions(), None, engine=EmbeddedEngine())
    with pytest.raises(EncodingFailed, match="the plan has 64 x 64 px"):
        render_part(person, plan_of(), JobOptions(), tmp_path / "v.mp4", range(1))
    size = dict(zip(("width_px", "height_px"), (256, 256), strict=True))
    plan = Plan(track=plan_of().track, content_id="7", **size)
    with pytest.raises(EncodingFailed, match="of a plan of 3 frames"):
        render_part(person, plan, JobOptions(), tmp_path / "v.mp4", range(2, 4))
    with pytest.raises(EncodingFailed, match="parts of 2 frames"):
        join_video(plan, [(tmp_path / "a.mp4", 2)], voice(), tmp_path / "v.mp4")


def test_an_engine_without_plans_draws_whole_videos_only(inputs: Inputs) -> None:
    with pytest.raises(EngineUnavailable, match="'flat' draws whole videos only"):
        plan_video(inputs, JobOptions(), engine=FlatEngine())
