"""Live in the page: spoken, typed, interrupted, ended, and where it cannot be."""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.page.driving import until
from tests.lossy_relay import LossyRelay
from tests.studio.browser.conftest import Open

VIDEO = "document.querySelector('#live video')"
START_MS = 60_000

NO_MICROPHONE = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("no", "NotAllowedError"));"""


class Line:
    """What a page sends to its live session, and what comes back."""

    def __init__(self, page: Any) -> None:
        self.sent: list[Any] = []
        self.came: list[Any] = []
        self.address = ""
        page.on("websocket", self._opened)

    def _opened(self, socket: Any) -> None:
        self.address = socket.url
        socket.on("framesent", lambda frame: self.sent.append(frame))
        socket.on("framereceived", lambda frame: self.came.append(frame))

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """Those that the page sent."""
        texts = [json.loads(frame) for frame in self.sent if isinstance(frame, str)]
        return [message for message in texts if message["type"] == kind]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Those that the server sent."""
        texts = [json.loads(frame) for frame in self.came if isinstance(frame, str)]
        return [message for message in texts if message["type"] == kind]

    @property
    def sound_bytes(self) -> int:
        return sum(len(frame) for frame in self.sent if isinstance(frame, bytes))


def live(studio: Any) -> None:
    """Begin a session and wait for its first frame."""
    studio.choose("portrait", "face.png")
    studio.verdict("portrait", "good")
    studio.page.click("#go-live")
    studio.page.locator("#live [data-part=video]:visible").wait_for(timeout=START_MS)


def test_what_is_spoken_is_said_at_once_and_choices_hold_meanwhile(
    studio: Any, files: Path
) -> None:
    page = studio.page
    line = Line(page)
    page.locator("#direction summary").first.click()
    with page.expect_file_chooser() as asked:
        page.locator("#direction input[name=background][value=picture]").dispatch_event("click")
    asked.value.set_files(files / "wall.png")
    page.get_by_role("button", name="wall.png").wait_for()
    live(studio)
    assert "in finished videos only" in page.inner_text("#live [data-part=behind]")
    until(page, f"{VIDEO}.currentTime > 0.5 && !{VIDEO}.paused && {VIDEO}.videoWidth === 256")
    assert page.evaluate(f"{VIDEO}.muted")  # nobody wants to hear himself twice
    assert "sk-" not in line.address and "st-" not in line.address
    page.wait_for_timeout(300)
    assert line.sound_bytes > 20_000
    page.click("#direction .preset:nth-child(3)")
    page.wait_for_timeout(400)
    (changed,) = line.messages("change")
    assert changed["parameters"]["template_id"] == "active"
    assert "video_fps" not in changed["parameters"]
    page.click("#live [data-do=interrupt]")
    page.wait_for_timeout(400)
    assert line.messages("clear") and line.events("cleared") and not line.events("error")
    page.click("#live [data-do=stop]")
    assert page.locator("#live").is_hidden() and page.locator("#intro").is_visible()
    page.wait_for_timeout(200)
    before = line.sound_bytes
    page.wait_for_timeout(300)
    assert line.sound_bytes == before


@pytest.mark.thorough
def test_without_a_microphone_it_is_typed(visit: Open, studio_of: Any) -> None:
    page = visit()
    page.add_init_script(NO_MICROPHONE)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    studio = studio_of(page)
    line = Line(page)
    live(studio)
    assert "The microphone may not be used" in page.inner_text("#live [data-part=note]")
    assert page.locator("#live [data-do=microphone]").is_hidden()
    page.fill("#live [data-part=text]", "Good morning, everybody.")
    page.keyboard.press("Enter")
    until(page, f"!{VIDEO}.muted")
    page.wait_for_timeout(3_000)
    assert line.events("utterance_started") and not line.events("error")
    assert page.input_value("#live [data-part=text]") == ""
    page.click("#language")
    assert page.inner_text("#live-title") == "实时"
    page.click("#live [data-do=stop]")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "delete globalThis.MediaSource; delete globalThis.ManagedMediaSource;",
            "cannot play a video that is still being made",
        ),
        (NO_MICROPHONE, "The microphone may not be used"),
        (
            "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });",
            "only to pages on HTTPS or on this computer",
        ),
    ],
    ids=["no Media Source", "refused", "insecure"],
)
def test_where_it_cannot_be_it_is_said_why(
    visit: Open, studio_of: Any, script: str, words: str
) -> None:
    page = visit()
    said = page.request.get(f"{page.url}studio/about").json()
    page.route("**/studio/about", lambda route: route.fulfill(json={**said, "speech": None}))
    page.add_init_script(script)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    studio = studio_of(page)
    studio.choose("portrait", "face.png")
    studio.verdict("portrait", "good")
    page.click("#go-live")
    until(page, "!document.getElementById('trouble').hidden")
    assert words in studio.trouble.inner_text()
    assert page.locator("#live").is_hidden()


@pytest.mark.thorough
def test_where_all_sessions_are_taken_it_is_said(studio: Any) -> None:
    page = studio.page
    page.route(
        "**/api/v1/live",
        lambda route: route.fulfill(json={"output": {"sessions_left": 0}, "request_id": "x"}),
    )
    studio.choose("portrait", "face.png")
    studio.verdict("portrait", "good")
    page.click("#go-live")
    until(page, "!document.getElementById('trouble').hidden")
    assert "As many live sessions are running" in studio.trouble.inner_text()


@pytest.mark.thorough
def test_a_session_that_the_server_ends_is_said_and_a_video_takes_its_place(studio: Any) -> None:
    page = studio.page

    def cut(socket: Any) -> None:
        server = socket.connect_to_server()

        def came(message: Any) -> None:
            socket.send(message)

        server.on_message(came)
        sockets.append(socket)

    sockets: list[Any] = []
    page.route_web_socket("**/api/v1/live", cut)
    live(studio)
    sockets[-1].send(json.dumps({"type": "closed", "reason": "idle", "lasted_s": 1}))
    sockets[-1].close()
    until(page, "!document.getElementById('trouble').hidden")
    assert "nothing was said for a while" in studio.trouble.inner_text()
    assert page.locator("#live").is_hidden()
    studio.choose("voice", "voice.wav")
    studio.verdict("voice", "good")
    live(studio)
    studio.make()
    assert page.locator("#live").is_hidden()
    studio.finished()


@pytest.mark.thorough
def test_over_webrtc_it_is_the_same(visit: Open, studio_of: Any) -> None:
    """Where the server has the extra `live`: no WebSocket is opened."""
    pytest.importorskip("aiortc", reason="the extra `live` is not installed")
    page = visit(webrtc=True)
    line = Line(page)
    live(studio_of(page))
    until(page, f"{VIDEO}.srcObject !== null && {VIDEO}.videoWidth === 256 && !{VIDEO}.paused")
    assert line.address == ""
    tracks = f"{VIDEO}.srcObject.getTracks().map((track) => track.kind).sort().join()"
    assert page.evaluate(tracks) == "audio,video"
    until(page, f"{VIDEO}.currentTime > 1")
    page.click("#live [data-do=interrupt]")
    page.click("#live [data-do=microphone]")
    page.fill("#live [data-part=text]", "Good morning, everybody.")
    page.keyboard.press("Enter")
    until(page, f"!{VIDEO}.muted")
    page.click("#live [data-do=stop]")
    assert page.locator("#live").is_hidden()
    assert page.evaluate(f"{VIDEO}.srcObject") is None


KEEP_PEERS = """globalThis.peers = [];
const Peer = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Peer {
  constructor(...given) { super(...given); peers.push(this); }
};"""

STATISTICS = """async () => {
  const told = { asked: 0, heard: 0, shown: 0 };
  for (const one of (await peers.at(-1).getStats()).values()) {
    if (one.type === "inbound-rtp" && one.kind === "video") {
      told.shown = one.framesDecoded;
      told.asked = one.pliCount + one.nackCount;
    }
    if (one.type === "inbound-rtp" && one.kind === "audio")
      told.heard = one.totalSamplesReceived - one.concealedSamples;
  }
  return told;
}"""


@pytest.mark.thorough
def test_over_a_lossy_line_the_picture_comes_back_and_the_sound_stays(
    visit: Open, studio_of: Any
) -> None:
    """One packet in twenty lost and up to 100 ms late; then none for 5 s."""
    pytest.importorskip("aiortc", reason="the extra `live` is not installed")
    page = visit(webrtc=True)
    page.add_init_script(KEEP_PEERS)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    line = Line(page)
    with LossyRelay() as relay:

        def over_the_relay(route: Any) -> None:
            told = route.fetch().json()
            told["output"]["sdp"] = relay.through(told["output"]["sdp"])
            route.fulfill(json=told)

        page.route("**/api/v1/live/webrtc", over_the_relay)
        live(studio_of(page))
        until(page, f"{VIDEO}.srcObject !== null && {VIDEO}.currentTime > 1")

        def comes(**wanted: int) -> None:
            """Waits until the browser has counted so much more."""
            begun, before = time.monotonic(), page.evaluate(STATISTICS)
            while True:
                page.wait_for_timeout(100)
                now = page.evaluate(STATISTICS)
                more = {name: now[name] - before[name] for name in now}
                if all(more[name] >= least for name, least in wanted.items()):
                    break
                assert time.monotonic() - begun < 60.0, (more, wanted)
            took_s = time.monotonic() - begun
            logging.getLogger(__name__).info("%g lost, %.1f s: %s", relay.loss, took_s, more)

        comes(shown=100, heard=48_000)
        relay.loss, relay.jitter_s = 0.05, 0.1
        comes(shown=100, heard=48_000, asked=1)
        relay.loss, relay.jitter_s = 1.0, 0.0
        page.wait_for_timeout(5_000)
        relay.loss = 0.0
        comes(shown=1)
        comes(shown=10, heard=10_000)
        assert line.address == "" and page.locator("#live").is_visible()


@pytest.mark.thorough
def test_where_no_packet_arrives_it_goes_over_a_websocket(visit: Open, studio_of: Any) -> None:
    page = visit(webrtc=True)

    def unreachable(route: Any) -> None:
        answered = route.fetch()
        told = answered.json()
        sdp = re.sub(r"a=candidate.*\r\n", "", told["output"]["sdp"])
        told["output"]["sdp"] = sdp.replace("a=end-of-candidates\r\n", "")
        route.fulfill(json=told)

    page.route("**/api/v1/live/webrtc", unreachable)
    line = Line(page)
    live(studio_of(page))
    until(page, f"{VIDEO}.srcObject === null && {VIDEO}.currentTime > 0.3")
    assert line.address.endswith("/api/v1/live")
