"""A WebRTC connection in a process of its own: packets of strangers in, parts for the server out.

Flow      a browser's packets -> aiortc -> peer_child -> Said, Heard on stdout
          frames and texts on stdin -> peer_child -> aiortc -> the browser

The only place that imports `aiortc` (extra `live`). It parses what anybody may send (STUN, DTLS,
SRTP, SCTP, Opus), so it knows nothing: no key, no picture's file, no address to call. What is drawn
comes to it as frames, and is encoded here for this one browser, as fast as its line takes it.

Sound and picture of a frame leave together; the browser plays both by their times, which are
counted from the first frame, in frames and in samples.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Coroutine
from fractions import Fraction
from typing import Any, BinaryIO, Final

import aioice.ice
import av
import numpy as np
import numpy.typing as npt
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    rtcrtpreceiver,
)
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from portravox.service.worker import opus, peer_network
from portravox.service.worker.live_messages import HEAD, RAW_HEAD
from portravox.service.worker.messages import PeerRequest
from portravox.service.worker.opus import PACKET_SAMPLES
from portravox.service.worker.peer_messages import (
    HEARD_RATE_HZ,
    MAX_SDP,
    MAX_TEXT_BYTES,
    Answered,
    Frame,
    Heard,
    Lost,
    PeerCommand,
    PeerEvent,
    Said,
    Tell,
    Unfit,
    decode_command,
    encode_peer,
    size_of_command,
)

FRAMES_WAITING: Final = 3
"""For the encoder, at most: the oldest is left out. Our choice."""

SOUND_WAITING_S: Final = 0.5
"""So much sound may wait for its time; beyond, all of it goes at once. Our choice."""

UNREAD_BYTES: Final = 256 * 1024
"""What the server may leave unread before sound of the microphone is left out."""

TEXTS_WAITING: Final = 64
"""From the browser, and for it; more ends the connection. Our choice."""

HANG_S: Final = 1.0
"""How long the last words may take to the browser."""

FIRST_S: Final = 2.5
"""How long the first packet may take to come, behind the answer: where it does not, a wall stands
between, and the browser goes another way. Our choice."""

LOOK_S: Final = 0.25

Int16 = npt.NDArray[np.int16]


def warm_up() -> peer_network.PeerLoop:
    """Load what the first connection needs, find this machine's addresses, and make the loop:
    later on, this process may do none of it."""
    logging.getLogger("aiortc").setLevel(logging.CRITICAL)
    logging.getLogger("aioice").setLevel(logging.CRITICAL)
    every = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
    _Addresses.found = tuple(filter(peer_network.is_usable, every)) or ("127.0.0.1",)
    aioice.ice.get_host_addresses = _Addresses.told
    _hear_every_packet()
    loop = peer_network.PeerLoop()
    loop.run_until_complete(_rehearse())
    return loop


class _Addresses:
    """What aioice asks for, which would open a socket of another kind for it."""

    found: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    @classmethod
    def told(cls, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        del use_ipv4, use_ipv6
        return list(cls.chosen or cls.found)


def _hear_every_packet() -> None:
    """Have what a microphone's packets hold decoded by `opus`.

    aiortc has no seam for it: its buffer holds sound back by 4 packets, by 16 from the first one on
    that got lost, and its decoder knows nothing of those. So the names by which its receiver makes
    both stand for ours. Source: aiortc 1.16, `rtcrtpreceiver`.
    """
    if not opus.is_reachable():
        return
    made_by_aiortc = rtcrtpreceiver.get_decoder

    def decoder(codec: RTCRtpCodecParameters) -> Decoder:
        return _MicrophoneDecoder() if codec.name == "opus" else made_by_aiortc(codec)

    def buffer(capacity: int, prefetch: int = 0, is_video: bool = False) -> JitterBuffer:
        kind = JitterBuffer if is_video else _Unsorted
        return kind(capacity, prefetch, is_video)

    rtcrtpreceiver.get_decoder = decoder
    rtcrtpreceiver.JitterBuffer = buffer


class _Arrived(JitterFrame):
    """A packet as it came."""

    def __init__(self, packet: RtpPacket) -> None:
        super().__init__(packet.payload, packet.timestamp)
        self.number = packet.sequence_number
        self.came_at = time.monotonic()


class _Unsorted(JitterBuffer):
    """Holds nothing back: who decodes puts packets in order."""

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        return False, _Arrived(packet)


class _MicrophoneDecoder(Decoder):
    """Of the packets that `_Unsorted` passes on."""

    def __init__(self) -> None:
        self._microphone = opus.Microphone()

    def decode(self, encoded_frame: _Arrived) -> list[av.AudioFrame]:
        found = self._microphone.add(
            encoded_frame.number, encoded_frame.data, encoded_frame.came_at
        )
        return [_sounding(samples) for samples in found if len(samples)]


def _sounding(samples: Int16) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = HEARD_RATE_HZ
    return frame


async def _rehearse() -> None:
    """Make a certificate, and an offer that nobody gets: loads modules that are loaded late."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio")
    connection.createDataChannel("events")
    await connection.createOffer()
    await connection.close()


def hold(request: PeerRequest, events: BinaryIO, loop: peer_network.PeerLoop) -> None:
    """Hold the connection that is asked for until one of both sides ends it."""
    loop.use_ports(range(request.first_port, request.last_port + 1) if request.last_port else None)
    if request.announced:
        _Addresses.chosen = (peer_network.any_address(request.announced),)
    elif request.address:
        _Addresses.chosen = (request.address,)
    asyncio.set_event_loop(loop)
    loop.run_until_complete(_hold(request, events, loop))


async def _hold(request: PeerRequest, events: BinaryIO, loop: peer_network.PeerLoop) -> None:
    output = await _opened_output(events)
    connection = Connection(output)
    try:
        answer = await connection.answer(request.offer, request.announced)
    except Exception:  # an offer may be anything
        output.say(Unfit())
        await output.drained()
        return
    output.say(Answered(sdp=answer))
    commands = await _opened_input()
    tasks = [
        asyncio.create_task(connection.obey(commands), name="commands"),
        asyncio.create_task(connection.ended(), name="end"),
        asyncio.create_task(_silence(loop, request.silence_s), name="silence"),
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG_S):
            await connection.close()
    output.say(Lost())  # the server ends this process then
    await output.drained()


async def _silence(loop: peer_network.PeerLoop, most_s: float) -> None:
    """Returns once nothing has come for too long."""
    answered_at = loop.heard_at = time.monotonic()
    while True:
        has_come = loop.heard_at > answered_at
        if time.monotonic() - loop.heard_at > (most_s if has_come else min(most_s, FIRST_S)):
            return
        await asyncio.sleep(LOOK_S)


class Output:
    """What goes to the server."""

    def __init__(self, transport: asyncio.WriteTransport, protocol: _Drain) -> None:
        self._transport = transport
        self._protocol = protocol

    @property
    def is_behind(self) -> bool:
        """Whether the server leaves much unread."""
        return self._transport.get_write_buffer_size() > UNREAD_BYTES

    def say(self, said: PeerEvent) -> None:
        self._transport.write(encode_peer(said))

    async def drained(self) -> None:
        """Once the server has taken all of it."""
        while self._transport.get_write_buffer_size() and not self._protocol.is_lost:
            await asyncio.sleep(0.01)


class _Drain(asyncio.BaseProtocol):
    is_lost = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


async def _opened_output(events: BinaryIO) -> Output:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(_Drain, events)
    return Output(transport, protocol)


async def _opened_input() -> asyncio.StreamReader:
    """Standard input from here on. What came behind the request is in no buffer: the server says
    nothing before it has its answer."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    pipe = os.fdopen(os.dup(0), "rb", buffering=0)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


class Connection:
    """With one browser."""

    def __init__(self, output: Output) -> None:
        self._output = output
        # Without a list of its own it would ask a server of somebody else's for our address.
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self._peer = RTCPeerConnection(configuration)
        self._clock = FrameClock()
        spoken = self._peer.addTransceiver(SoundTrack(self._clock), direction="sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        spoken.setCodecPreferences([codec for codec in codecs if codec.mimeType == "audio/opus"])
        shown = self._peer.addTransceiver(PictureTrack(self._clock), direction="sendonly")
        # All browsers have VP8, and here it costs a quarter of H.264: 2 ms a frame of 512 px.
        codecs = RTCRtpSender.getCapabilities("video").codecs
        shown.setCodecPreferences(sorted(codecs, key=lambda codec: codec.mimeType != "video/VP8"))
        self._channel: RTCDataChannel | None = None
        self._unsent: deque[str] = deque()
        self._over = asyncio.Event()
        self._listening: set[asyncio.Task[None]] = set()
        self._peer.on("datachannel", self._opened)
        self._peer.on("track", self._heard)
        self._peer.on("connectionstatechange", self._changed)

    async def answer(self, offer: str, announced: str) -> str:
        """Raises whatever an offer that is none makes of it."""
        told = peer_network.without_addresses(offer)
        await self._peer.setRemoteDescription(RTCSessionDescription(told, "offer"))
        parts = self._peer.getTransceivers()
        is_whole = len(parts) == 2 and all(part.mid is not None for part in parts)
        if not is_whole or self._peer.sctp is None:
            raise ValueError("wanted a microphone, a video and a data channel, one of each")
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        answer = opus.asking_for_copies(self._peer.localDescription.sdp)
        if announced:
            answer = peer_network.announcing(answer, announced)
        if "a=candidate" not in answer or len(answer) > MAX_SDP:
            raise ValueError("no address to answer with")
        return answer

    async def obey(self, commands: asyncio.StreamReader) -> None:
        """Do what the server asks until it asks for the end, or is gone."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await commands.readexactly(HEAD.size)
                payload = await commands.readexactly(size_of_command(head))
                if not self._do(decode_command(head, payload)):
                    break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_S):
                while self._unsent or self._is_sending:
                    await asyncio.sleep(0.01)

    async def ended(self) -> None:
        await self._over.wait()

    async def close(self) -> None:
        for task in self._listening:
            task.cancel()
        await self._peer.close()

    def _do(self, command: PeerCommand) -> bool:
        match command:
            case Frame():
                self._clock.add(RawFrame(command.data))
            case Tell():
                self._unsent.append(command.text)
                self._send()
            case _:
                return False
        return True

    @property
    def _is_sending(self) -> bool:
        return self._channel is not None and self._channel.bufferedAmount > 0

    def _send(self) -> None:
        channel = self._channel
        while self._unsent and channel is not None and channel.readyState == "open":
            channel.send(self._unsent.popleft())
        if len(self._unsent) > TEXTS_WAITING or (
            channel is not None and channel.bufferedAmount > UNREAD_BYTES
        ):
            self._over.set()

    def _opened(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._told)
        channel.on("close", self._over.set)
        self._send()

    def _told(self, message: str | bytes) -> None:
        """What is no text, or too long, is told as what means nothing."""
        text = message if isinstance(message, str) else ""
        if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
            text = ""
        if self._output.is_behind:
            self._over.set()
        else:
            self._output.say(Said(text))

    def _changed(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._over.set()

    def _heard(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._start(self._listen(track))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARD_RATE_HZ)
        with contextlib.suppress(MediaStreamError, av.FFmpegError):
            while True:
                frame = await track.recv()
                for heard in resampler.resample(frame):
                    if not self._output.is_behind:
                        self._output.say(Heard(heard.to_ndarray().astype("<i2").tobytes()))


class RawFrame:
    """One that the live process drew."""

    def __init__(self, data: bytes) -> None:
        _, self.width, self.height, samples, repeated = RAW_HEAD.unpack_from(data)
        self.is_drawn = not repeated
        self.pixels = memoryview(data)[RAW_HEAD.size : len(data) - 2 * samples]
        self.sound: Int16 = np.frombuffer(data, "<i2", samples, len(data) - 2 * samples)

    def picture(self, at: int) -> av.VideoFrame:
        """As the encoder takes it. Browsers take what says nothing for BT.601, and VP8 cannot say
        anything.

        at  when it is shown, in samples
        """
        rows = self.height * 3 // 2
        planes = np.frombuffer(self.pixels, np.uint8).reshape(rows, self.width)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p").reformat(
            src_colorspace="ITU709", dst_colorspace="ITU601"
        )
        frame.pts, frame.time_base = at, Fraction(1, HEARD_RATE_HZ)
        return frame


class FrameClock:
    """Frames as they come, for two tracks that are asked for each in its own time.

    A packet of sound leaves when its first sample is due: so long after its frame came as it lies
    behind the frame's first sample. Where packets and frames do not divide each other, all is held
    back by a packet, so that each is whole when it is due. What the encoder takes of the picture's
    time is the sound's, too: a browser takes the moment a packet leaves for that of its taking.
    """

    def __init__(self) -> None:
        self.pictures: deque[tuple[float, int, RawFrame]] = deque(maxlen=FRAMES_WAITING)
        """(when it is due, index of the first sample that goes with it, frame)"""

        self.packets: deque[tuple[float, int, Int16]] = deque()
        """(when it is due, index of its first sample, samples)"""

        self.hold_s = 0.0
        self.encoding_s = 0.0
        self.news = asyncio.Condition()
        self._left: Int16 = np.zeros(0, np.int16)
        self._left_due = 0.0
        self._samples = 0
        """That have come."""

        self._next = 0
        self._waking: set[asyncio.Task[None]] = set()

    def add(self, frame: RawFrame) -> None:
        """The next frame, now."""
        now = time.monotonic()
        if len(frame.sound) % PACKET_SAMPLES:
            self.hold_s = PACKET_SAMPLES / HEARD_RATE_HZ
        if frame.is_drawn:
            self.pictures.append((now + self.hold_s, self._samples, frame))
        self._samples += len(frame.sound)
        self._add_sound(frame.sound, now)
        task = asyncio.create_task(self._wake())
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    def _add_sound(self, sound: Int16, now: float) -> None:
        held = np.concatenate([self._left, sound])
        at, begun = 0, len(self._left)
        while at + PACKET_SAMPLES <= len(held):
            # What was left of the frame before began with it, and not with this one.
            due = self._left_due if at < begun else now + (at - begun) / HEARD_RATE_HZ
            packet = held[at : at + PACKET_SAMPLES]
            self.packets.append((due + self.hold_s, self._next, packet))
            at += PACKET_SAMPLES
            self._next += PACKET_SAMPLES
        self._left = held[at:]
        if at >= begun:
            self._left_due = now + (at - begun) / HEARD_RATE_HZ

    async def _wake(self) -> None:
        async with self.news:
            self.news.notify_all()


class PictureTrack(MediaStreamTrack):
    """What is shown."""

    kind = "video"

    def __init__(self, clock: FrameClock) -> None:
        super().__init__()
        self._clock = clock
        self._given_at = 0.0

    async def recv(self) -> av.VideoFrame:
        """The next picture, when it is due."""
        clock = self._clock
        now = time.monotonic()
        if self._given_at:  # asked again once the one before was encoded and sent
            took_s = min(0.2, now - self._given_at)
            clock.encoding_s += 0.1 * (took_s - clock.encoding_s)
        async with clock.news:
            await clock.news.wait_for(lambda: clock.pictures)
        due, at, frame = clock.pictures.popleft()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self._given_at = time.monotonic()
        return frame.picture(at)


class SoundTrack(MediaStreamTrack):
    """What is heard."""

    kind = "audio"

    def __init__(self, clock: FrameClock) -> None:
        super().__init__()
        self._clock = clock
        self._packer = opus.Packer()

    async def recv(self) -> av.Packet[av.AudioStream]:
        """The next 20 ms, when they are due."""
        clock = self._clock
        async with clock.news:
            await clock.news.wait_for(lambda: clock.packets)
        due, at, samples = clock.packets.popleft()
        if len(clock.packets) * PACKET_SAMPLES < SOUND_WAITING_S * HEARD_RATE_HZ:
            await asyncio.sleep(max(0.0, due + clock.encoding_s - time.monotonic()))
        return self._packer.packed(samples, at)
