"""A long video in parts, by a process that is isolated as on a server."""

from __future__ import annotations

import shutil
import wave
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.probe import probe_video
from portravox.demo import VOICE, demo_portrait
from portravox.service import problems
from portravox.service.worker.messages import (
    CAPTIONS_NAME,
    PART_NAME,
    PLAN_NAME,
    VIDEO_NAME,
    JoinRequest,
    PartDone,
    PartRequest,
    PlanDone,
    PlanRequest,
    RenderDone,
    RenderRequest,
    StageReached,
    part_name,
)
from portravox.service.worker.process import RequestFailed, WorkerProcess

PARAMETERS = {"video_fps": 15, "max_side": 256, "seed": 3, "visible_label": "en"}
MARK = "00ff" * 344
FRAMES = 36
TIME_S = 120.0


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A picture and a voice of 2.4 s."""
    Image.open(demo_portrait()).convert("RGB").resize((256, 256)).save(tmp_path / "image", "PNG")
    with wave.open(str(VOICE), "rb") as voice:
        beginning = voice.readframes(round(2.4 * voice.getframerate()))
        with wave.open(str(tmp_path / "audio"), "wb") as written:
            written.setparams(voice.getparams())
            written.writeframes(beginning)
    return tmp_path


def folder_with(files: Path, name: str, *inputs: str) -> Path:
    folder = files / name
    folder.mkdir()
    for each in inputs:
        shutil.copy(files / each, folder / each)
    return folder


async def test_it_plans_makes_parts_and_joins_them_to_what_it_makes_at_once(files: Path) -> None:
    process = WorkerProcess("render", memory_mib=4096, folders=files)
    stages: list[StageReached] = []
    try:
        planning = PlanRequest(folder=str(files), parameters=PARAMETERS, longer_than_s=2.4)
        planned = await process.request(planning, PlanDone, time_s=TIME_S)
        assert (planned.frames, planned.duration_s) == (0, 2.4)
        assert (files / "image").exists() and not (files / PLAN_NAME).exists()
        planning = replace(planning, longer_than_s=2.3)
        planned = await process.request(planning, PlanDone, time_s=TIME_S, on_stage=stages.append)
        assert planned.frames == FRAMES
        assert [stage.frames for stage in stages if stage.stage == "listen"] == [FRAMES]
        assert not (files / CAPTIONS_NAME).exists()

        joining = folder_with(files, "joining", "image", "audio", PLAN_NAME)
        for number, frames in enumerate((range(20), range(20, FRAMES))):
            folder = folder_with(files, f"part {number}", "image", PLAN_NAME)
            request = PartRequest(
                folder=str(folder),
                parameters=PARAMETERS,
                first=frames.start,
                stop=frames.stop,
                watermark=MARK,
            )
            await process.request(request, PartDone, time_s=TIME_S)
            (folder / PART_NAME).rename(joining / part_name(number))
        join = JoinRequest(folder=str(joining), parameters=PARAMETERS, frames=(20, 16))
        done = await process.request(join, RenderDone, time_s=TIME_S)
        assert done.duration_s == 2.4

        whole = folder_with(files, "whole", "image", "audio")
        render = RenderRequest(folder=str(whole), parameters=PARAMETERS, watermark=MARK)
        await process.request(render, RenderDone, time_s=TIME_S)
        assert probe_video(joining / VIDEO_NAME) == probe_video(whole / VIDEO_NAME)

        shutil.copy(files / "image", joining / "image")
        (joining / PLAN_NAME).write_bytes(b"no plan")
        with pytest.raises(RequestFailed) as refused:
            await process.request(join, RenderDone, time_s=TIME_S)
        assert refused.value.problem == problems.ALGO
    finally:
        await process.close()
