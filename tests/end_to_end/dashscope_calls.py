"""What the official package `dashscope` says to us and hears from us, as JSON on stdout.

Run as a program, so that several versions of the package can be asked. Reads the server's base URL,
two keys and the files from its argument. It asserts nothing: test_dashscope.py does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import dashscope
import requests
from dashscope import VideoSynthesis
from dashscope.aigc.video_synthesis import AioVideoSynthesis
from dashscope.client.base_api import BaseApi, BaseAsyncApi
from dashscope.utils.oss_utils import OssUtils

GIVEN = json.loads(sys.argv[1])
TASK = {"model": "liveportrait", "task": "image2video"}
PICTURE = {"image_url": GIVEN["picture_url"]}


def told(response: Any) -> dict[str, Any]:
    """Every field of an answer that the package lets its users see."""
    fields = {"status_code", "request_id", "code", "message", "output", "usage"}
    return {name: getattr(response, name, None) for name in fields}


def detect(url: str, **more: Any) -> dict[str, Any]:
    return told(
        BaseApi.call(
            model=more.pop("model", "liveportrait-detect"),
            input={"image_url": url},
            task_group="aigc",
            task="image2video",
            function="face-detect",
            **more,
        )
    )


def submit(**changed: Any) -> Any:
    return VideoSynthesis.async_call(
        **{**TASK, "audio_url": GIVEN["voice_url"], "extra_input": PICTURE, **changed}
    )


def download(answer: dict[str, Any]) -> dict[str, Any]:
    url = answer["output"]["results"]["video_url"]
    got = requests.get(url, timeout=10)
    Path(GIVEN["video"]).write_bytes(got.content)
    return {"url": url, "status": got.status_code, "type": got.headers["content-type"]}


def refused(task_id: str) -> dict[str, Any]:
    """One call for each mistake that the package lets its users make."""
    gone = GIVEN["picture_url"].replace("face.png", "gone.png")
    nowhere = "6c6a4d1c-7a4c-4b5c-9a3b-5d1a54f1d6a0"
    return {
        "bad key": told(submit(api_key="sk-wrong")),
        "parameter": told(submit(video_fps=60)),
        "model": told(submit(model="emo-v1")),
        "path": told(submit(task="video-generation")),
        "scheme": told(submit(extra_input={"image_url": "ftp://h/p.png"})),
        "no picture": told(submit(extra_input={})),
        "detect model": detect(GIVEN["picture_url"], model="liveportrait"),
        "detect download": detect(gone),
        "detect format": detect(GIVEN["voice_url"]),
        "cancel unknown": told(VideoSynthesis.cancel(nowhere)),
        "fetch unknown": told(VideoSynthesis.fetch(nowhere)),
        "fetch of others": told(VideoSynthesis.fetch(task_id, api_key=GIVEN["stranger"])),
        "cancel of others": told(VideoSynthesis.cancel(task_id, api_key=GIVEN["stranger"])),
    }


def failed(**changed: Any) -> dict[str, Any]:
    return told(VideoSynthesis.wait(submit(**changed)))


def synchronous() -> dict[str, Any]:
    asked = submit(template_id="calm", video_fps=15, paste_back=True)
    second = submit(extra_input=PICTURE)
    pending = told(VideoSynthesis.fetch(second))
    cancelled = told(VideoSynthesis.cancel(second))
    after = told(VideoSynthesis.fetch(second))
    again = told(VideoSynthesis.cancel(second))
    waited = told(VideoSynthesis.wait(asked))
    low_level = BaseAsyncApi.async_call(
        model="liveportrait",
        input={"image_url": "oss://nobody/x.png", "audio_url": GIVEN["voice_url"]},
        task_group="aigc",
        task="image2video",
        function="video-synthesis",
        headers={"X-DashScope-OssResourceResolve": "enable"},
        template_id="active",
    )
    return {
        "detect": detect(GIVEN["picture_url"]),
        "detect faceless": detect(GIVEN["faceless_url"]),
        "submitted": told(asked),
        "pending": pending,
        "cancelled": cancelled,
        "after": after,
        "again": again,
        "waited": waited,
        "download": download(waited),
        "low level": told(VideoSynthesis.wait(low_level)),
        "list": told(
            VideoSynthesis.list(model_name="liveportrait", status="CANCELED", page_size=5)
        ),
        "refused": refused(waited["output"]["task_id"]),
        "no face": failed(extra_input={"image_url": GIVEN["faceless_url"]}),
        "not a sound": failed(audio_url=GIVEN["picture_url"]),
        "too short": failed(audio_url=GIVEN["short_url"]),
        "private": failed(extra_input={"image_url": "http://169.254.169.254/latest/meta-data"}),
    }


def with_uploads() -> dict[str, Any]:
    """The voice as a local file, which the package uploads by itself; the picture by hand."""
    picture = OssUtils.upload(
        model="liveportrait", file_path=GIVEN["picture"], api_key=GIVEN["key"]
    )
    link = picture if isinstance(picture, str) else picture[0]
    asked = submit(audio_url=GIVEN["voice"], extra_input={"image_url": link}, video_fps=15)
    return {"link": link, "submitted": told(asked), "waited": told(VideoSynthesis.wait(asked))}


async def asynchronous() -> dict[str, Any]:
    given = {**TASK, "audio_url": GIVEN["voice_url"], "extra_input": PICTURE, "video_fps": 15}
    asked = await AioVideoSynthesis.async_call(**given)
    second = await AioVideoSynthesis.async_call(**given)
    return {
        "submitted": told(asked),
        "cancelled": told(await AioVideoSynthesis.cancel(second)),
        "after": told(await AioVideoSynthesis.fetch(second)),
        "waited": told(await AioVideoSynthesis.wait(asked)),
        "list": told(await AioVideoSynthesis.list(page_no=1, page_size=2)),
        "bad key": told(await AioVideoSynthesis.async_call(**given, api_key="sk-wrong")),
    }


def main() -> None:
    dashscope.base_http_api_url = GIVEN["base"]
    dashscope.api_key = GIVEN["key"]
    started = time.monotonic()
    heard: dict[str, Any] = {
        "version": dashscope.version.__version__,
        "synchronous": synchronous(),
        "uploads": with_uploads(),
        "asynchronous": asyncio.run(asynchronous()),
    }
    heard["seconds"] = time.monotonic() - started
    sys.stdout.write(json.dumps(heard))


if __name__ == "__main__":
    main()
