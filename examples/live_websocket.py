"""A recording, sent to a server as it would be spoken; the portrait that speaks it comes back.

    pip install websockets
    portravox serve
    python examples/live_websocket.py ws://127.0.0.1:8000 sk-... face.jpg voice.wav live.mp4

Sends pieces of 100 ms, keeps the video as it comes, prints what the server says, and asks for the
end when all is said. With `--interrupt 2` the speech is interrupted after two seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import wave
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

PIECE_S = 0.1


async def speak(socket: ClientConnection, voice: Path, interrupt_s: float | None) -> None:
    """Send a WAV of 16 bits and one channel, at the pace of life."""
    with wave.open(str(voice)) as recording:
        samples = round(PIECE_S * recording.getframerate())
        sent_s = 0.0
        while piece := recording.readframes(samples):
            await socket.send(piece)
            await asyncio.sleep(PIECE_S)
            sent_s += PIECE_S
            if interrupt_s is not None and sent_s >= interrupt_s:
                await socket.send(json.dumps({"type": "clear"}))
                return
    await socket.send(json.dumps({"type": "flush"}))


async def main(given: argparse.Namespace) -> None:
    with wave.open(str(given.voice)) as recording:
        if recording.getnchannels() != 1 or recording.getsampwidth() != 2:
            raise SystemExit("wanted a WAV of one channel and 16 bits")
        rate = recording.getframerate()
    picture = given.portrait.read_bytes()
    start = {"type": "start", "image_bytes": len(picture), "sample_rate": rate}
    began, speaking = time.monotonic(), None
    async with connect(
        f"{given.server}/api/v1/live",
        additional_headers={"Authorization": f"Bearer {given.key}"},
        max_size=None,
    ) as socket:
        await socket.send(json.dumps(start))
        await socket.send(picture)
        with given.video.open("wb") as video:
            async for message in socket:
                if isinstance(message, bytes):
                    video.write(message)
                    continue
                event = json.loads(message)
                print(f"{time.monotonic() - began:6.2f} s  {message}", flush=True)
                if event["type"] == "started":
                    speaking = asyncio.create_task(speak(socket, given.voice, given.interrupt))
                elif event["type"] in ("stopped", "cleared"):
                    await socket.send(json.dumps({"type": "close"}))
    if speaking is not None:
        await speaking


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("server", help="ws://127.0.0.1:8000")
    parser.add_argument("key")
    parser.add_argument("portrait", type=Path)
    parser.add_argument("voice", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--interrupt", type=float, metavar="SECONDS")
    asyncio.run(main(parser.parse_args()))
