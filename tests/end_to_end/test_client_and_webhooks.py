"""Two files by our client to a real server, a video back, and a notice that outlives a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from standardwebhooks import Webhook

from benchmarks.probe import probe_video, read_frames
from tests.live import MAIN, new_key, serving

pytestmark = pytest.mark.slow

SUBMIT = """
import json, sys
from dashscope import VideoSynthesis
base, key, hook = sys.argv[1:]
answer = VideoSynthesis.async_call(
    model="liveportrait", task="image2video", api_key=key, base_address=base,
    audio_url="http://h.invalid/v.wav", extra_input={"image_url": "http://h.invalid/p.png"},
    headers={"X-Portravox-Webhook-Url": hook},
)
print(answer.output.task_id)
"""


@dataclass
class Shop:
    """A receiver on loopback; answers 500 as long as it is told to."""

    url: str = ""
    status: int = 500
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait_for(self, notices: int, within_s: float = 30.0) -> None:
        ends_at = time.monotonic() + within_s
        while len(self.heard) < notices:
            assert time.monotonic() < ends_at, f"{len(self.heard)} notices of {notices}"
            time.sleep(0.05)


@contextmanager
def shop_open() -> Iterator[Shop]:
    shop = Shop()

    class Counter(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            shop.heard.append((dict(self.headers), body))
            self.send_response(shop.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Not between the lines of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Counter) as server:
        shop.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield shop
        finally:
            server.shutdown()
            thread.join()


def portravox(*arguments: object, **environment: str) -> str:
    told = subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_from_files_to_a_video_and_a_notice_across_a_kill(
    astronaut: Path, voice_1s: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    face, video, wall = tmp_path / "face.png", tmp_path / "video.mp4", tmp_path / "wall.gif"
    Image.new("RGB", (64, 48), (20, 40, 230)).save(wall)  # of a kind that servers do not take
    with Image.open(astronaut) as picture:
        picture.resize((192, 192)).save(face)
    key = new_key(data)
    secret = portravox("keys", "webhook-secret", "1", "--data-dir", data).strip()
    inside = {"PORTRAVOX_WEBHOOK_ALLOW_NETS": "127.0.0.0/8"}
    with shop_open() as shop:
        with serving(data, environment=inside) as server:
            access = {"PORTRAVOX_BASE_URL": server.url, "PORTRAVOX_API_KEY": key}
            job = ("client", "submit", face, voice_1s, "--webhook-url", f"{shop.url}/a?b=1")
            shape = ("--frame", "4:5", "--background", wall)
            told = json.loads(portravox(*job, *shape, "-o", video, "--json", **access))
            shop.wait_for(1)
            listed = json.loads(portravox("client", "list", "--json", **access))
            time.sleep(0.5)  # for the failed attempt to be written down
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        shop.status = 200
        with serving(data, environment=inside) as server:
            shop.wait_for(2)
            hook = f"{shop.url}/package"
            asked = [sys.executable, "-c", SUBMIT, f"{server.url}/api/v1", key, hook]
            package = subprocess.run(asked, capture_output=True, text=True, timeout=60)
            assert package.returncode == 0, package.stderr
            shop.wait_for(3)

    found = probe_video(video)
    assert found.width_px * 5 == found.height_px * 4
    first = next(iter(read_frames(video)))
    assert np.abs(first[:6, :6].astype(int) - (20, 40, 230)).mean() < 6
    assert [row["task_id"] for row in listed["data"]] == [told["task_id"]]
    notices = [Webhook(secret).verify(body, headers) for headers, body in shop.heard]
    assert notices[0] == notices[1]
    assert notices[0]["type"] == "task.succeeded"
    assert notices[0]["data"]["task_id"] == told["task_id"]
    assert notices[0]["data"]["usage"]["video_duration"] == told["video_s"]
    assert shop.heard[0][0]["webhook-id"] == shop.heard[1][0]["webhook-id"]
    # Its files are nowhere: whatever the end, it is told.
    assert notices[2]["type"] == "task.failed"
    assert notices[2]["data"]["code"] == "InvalidParameter.InputDownloadFailed"
    assert notices[2]["data"]["task_id"] == package.stdout.strip()
