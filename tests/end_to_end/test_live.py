"""A live session of a real server: its process draws, is isolated, and what comes out is labelled
and plays."""

from __future__ import annotations

import json
import signal
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from portravox import read_voice
from portravox.demo import VOICE, demo_portrait_if_here
from portravox.inspection import inspect_file
from tests.live import COLD, new_key, serving

START_S = 60.0
"""The first process on a machine compiles its loops."""


def said_by(socket: ClientConnection, video: list[bytes], *kinds: str) -> dict[str, Any]:
    """The next event of one of these kinds; pieces before it are kept."""
    while True:
        said = socket.recv(timeout=START_S)
        if isinstance(said, bytes):
            video.append(said)
        elif (event := json.loads(said))["type"] in (*kinds, "error"):
            assert event["type"] in kinds, event
            return event


@pytest.mark.slow
def test_a_voice_is_spoken_interrupted_and_ends_as_a_video_that_is_labelled(
    tmp_path: Path,
) -> None:
    portrait = demo_portrait_if_here()
    assert portrait is not None
    voice = read_voice(VOICE)
    pcm = (np.clip(voice.mono(), -1.0, 1.0) * 32767.0).astype("<i2")
    second = voice.rate_hz
    key, video = new_key(tmp_path), []
    with (
        serving(tmp_path, main=COLD) as server,
        connect(
            server.url.replace("http", "ws") + "/api/v1/live",
            additional_headers={"Authorization": f"Bearer {key}"},
            max_size=None,
        ) as socket,
    ):
        picture = portrait.read_bytes()
        small = {"video_fps": 25, "portravox": {"max_side": 256}}
        start = {"sample_rate": second, "image_bytes": len(picture), "parameters": small}
        socket.send(json.dumps({"type": "start", **start}))
        socket.send(picture)
        started = said_by(socket, video, "started")
        assert (started["fps"], max(started["width"], started["height"])) == (25, 256)
        assert started["mime_type"].startswith('video/mp4; codecs="avc1.64')
        socket.send(pcm[:second].tobytes())
        socket.send(json.dumps({"type": "flush"}))
        assert said_by(socket, video, "utterance_started")["utterance"] == 1
        ended = said_by(socket, video, "utterance_ended")
        assert ended["position_s"] == pytest.approx(1.0, abs=0.1)
        said_by(socket, video, "stopped")
        change = {"mouth_move_strength": 1.5, "portravox": {"expression": "happy"}}
        socket.send(json.dumps({"type": "change", "parameters": change}))
        socket.send(pcm[: 5 * second].tobytes())
        said_by(socket, video, "utterance_started")
        socket.send(json.dumps({"type": "clear"}))
        cleared = said_by(socket, video, "cleared")
        assert cleared["utterance"] == 2 and cleared["position_s"] < 4.0
        server.process.send_signal(signal.SIGTERM)
        said_by(socket, video, "stopping")
        assert said_by(socket, video, "closed")["reason"] == "stopping"
        assert server.process.wait(timeout=30) == 0
    whole = tmp_path / "live.mp4"
    whole.write_bytes(b"".join(video))
    assert inspect_file(whole).says_machine_made
    with av.open(BytesIO(whole.read_bytes())) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) >= 25
    assert frames[0].std() > 10  # there is something to see
    assert "Traceback" not in (tmp_path / "log.txt").read_text()
