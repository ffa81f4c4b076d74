"""Opus as browsers speak it: packets of a microphone put in order and made whole, sound packed so
that who loses a packet can make it whole.

Flow      a browser's packets -> Microphone -> samples ; samples -> Packer -> packets for a browser

A packet of Opus may carry the one before it once more, coarsely (in-band FEC, RFC 6716, 2.1.7). So
what was lost is decoded from the packet behind it where that has it, and made up by the decoder
where it has not: it goes on as the voice did, and fades. FFmpeg's decoder offers neither, so the
library that it is linked to is asked itself.
"""

from __future__ import annotations

import ctypes
import re
from collections import deque
from fractions import Fraction
from functools import cache
from typing import Final

import av
import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 48_000
"""The clock of Opus in RTP (RFC 7587, 4.1)."""

PACKET_SAMPLES: Final = 960
"""Of a packet that we send: 20 ms, as browsers expect."""

PACKET_MOST_SAMPLES: Final = 5760
"""120 ms: no packet is longer (RFC 6716, 2.1.4), and of what was lost no more is made up: a voice
that goes on from here is better than silence in between."""

BIT_RATE: Final = 64_000
"""Of a voice in one channel, the copies in it included. Our choice."""

EXPECTED_LOSS_PERCENT: Final = 10
"""How well copies are to be: the encoder takes bits from the packets themselves for it. Our
choice: it holds for one packet in twenty, and bursts of losses."""

HOLD_MOST_S: Final = 0.12
"""So long the packets behind a gap wait for the one that is missing, at most. Our choice."""

HOLD_HALVES_S: Final = 30.0
"""Lines get better, too: after so long half of it is waited. Our choice."""

WAITING_MOST: Final = 16
"""Packets behind a gap, at most."""

JUMP_MOST: Final = 50
"""Numbers between two packets, at most; beyond, another stream has begun: a second of speech is not
made up. Our choice."""

Int16 = npt.NDArray[np.int16]

_OPUS: Final = re.compile(r"a=rtpmap:(\d+) opus/48000/2\r\n", re.I)

_NUMBERS: Final = 1 << 16
"""RTP's are counted up to there, and from 0 again."""


@cache
def _library() -> ctypes.CDLL | None:
    """libopus, as it is loaded with FFmpeg; None where FFmpeg was made without, or in one piece."""
    library = ctypes.CDLL(av._core.__file__)
    try:
        create, decode = library.opus_decoder_create, library.opus_decode
        count, destroy = library.opus_decoder_get_nb_samples, library.opus_decoder_destroy
    except AttributeError:
        return None
    create.restype, destroy.restype = ctypes.c_void_p, None
    create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    destroy.argtypes = [ctypes.c_void_p]
    count.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32]
    decode.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32,
        ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_int,
    ]  # fmt: skip
    return library


def is_reachable() -> bool:
    """Whether lost packets can be made up for here."""
    return _library() is not None


def asking_for_copies(answer: str) -> str:
    """An answer that asks for packets that carry the one before (RFC 7587, 6.1)."""
    return _OPUS.sub(r"\g<0>a=fmtp:\g<1> useinbandfec=1\r\n", answer)


class Decoder:
    """Of one stream, into one channel. Not for two threads at once."""

    def __init__(self) -> None:
        """Raises RuntimeError where libopus is out of reach."""
        library = _library()
        if library is None:
            raise RuntimeError("libopus is out of reach")
        self._library = library
        self._state = library.opus_decoder_create(RATE_HZ, 1, ctypes.byref(ctypes.c_int()))

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            self._library.opus_decoder_destroy(self._state)

    def length(self, packet: bytes) -> int:
        """How many samples a packet has; 0 where it is none."""
        samples: int = self._library.opus_decoder_get_nb_samples(self._state, packet, len(packet))
        return max(0, samples)

    def decoded(self, packet: bytes) -> Int16:
        """What a packet holds; nothing where it is none."""
        return self._decoded(packet, PACKET_MOST_SAMPLES, of_the_one_before=False)

    def made_up(self, samples: int, following: bytes) -> Int16:
        """What was lost before a packet: the last of it from the copy in there, if there is one."""
        return self._decoded(following, samples, of_the_one_before=True)

    def _decoded(self, packet: bytes, samples: int, *, of_the_one_before: bool) -> Int16:
        if not packet:  # would be taken for one that was lost
            return np.zeros(0, np.int16)
        room = np.zeros(samples, np.int16)
        found: int = self._library.opus_decode(
            self._state, packet, len(packet), room.ctypes.data_as(ctypes.POINTER(ctypes.c_int16)),
            samples, of_the_one_before,
        )  # fmt: skip
        return room[: max(0, found)]


class Microphone:
    """Packets as they come over a line, samples as they were spoken. Not for two threads at once.

    At first nothing waits: a packet that is missing when the next one comes is made up from that.
    Where it comes after all, this line mixes packets up, and from then on those behind a gap are
    held for as long as it was late.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._waiting: dict[int, tuple[bytes, float]] = {}
        """Behind a gap, and when they came, s, by number."""

        self._next: int | None = None
        self._given_up: deque[tuple[int, float]] = deque(maxlen=WAITING_MOST)
        """Numbers of those that were made up, and when, s."""

        self._hold_s = 0.0
        self._came_at = 0.0

    def add(self, number: int, packet: bytes, now: float) -> list[Int16]:
        """What can be heard now that a packet has come.

        number  as RTP counts them, 0 to 65,535
        now     s, on any clock that goes on
        """
        ahead = 0 if self._next is None else _distance(number, self._next)
        if self._next is None or abs(ahead) > JUMP_MOST:
            self._waiting.clear()
            self._given_up.clear()
            self._next, ahead = number, 0
        self._hold_s *= 0.5 ** (max(0.0, now - self._came_at) / HOLD_HALVES_S)
        self._came_at = now
        if ahead < 0:
            self._learn(number, now)
            return []
        self._waiting[number] = packet, now
        return self._released(now)

    def _learn(self, number: int, now: float) -> None:
        """One came for which others should have waited."""
        for given_up, at in self._given_up:
            if given_up == number:
                self._hold_s = min(HOLD_MOST_S, self._hold_s + now - at)

    def _released(self, now: float) -> list[Int16]:
        found: list[Int16] = []
        assert self._next is not None
        while self._waiting:
            if self._next in self._waiting:
                packet, _ = self._waiting.pop(self._next)
                found.append(self._decoder.decoded(packet))
                self._next = (self._next + 1) % _NUMBERS
            elif self._is_enough(now):
                found.append(self._gap(now))
            else:
                break
        return found

    def _is_enough(self, now: float) -> bool:
        """Whether what is missing has been waited for."""
        first_s = min(came_at for _, came_at in self._waiting.values())
        return now - first_s >= self._hold_s or len(self._waiting) >= WAITING_MOST

    def _gap(self, now: float) -> Int16:
        """What is missing before the first packet that waits, which comes next."""
        assert self._next is not None
        start = self._next
        self._next = min(self._waiting, key=lambda number: _distance(number, start))
        lost = _distance(self._next, start)
        self._given_up.extend(((start + n) % _NUMBERS, now) for n in range(lost))
        following, _ = self._waiting[self._next]
        samples = min(lost * self._decoder.length(following), PACKET_MOST_SAMPLES)
        return self._decoder.made_up(samples, following)


def _distance(number: int, start: int) -> int:
    """How far a number lies behind another one, which may have been counted before 0."""
    return (number - start + _NUMBERS // 2) % _NUMBERS - _NUMBERS // 2


class Packer:
    """Sound of one channel as packets that each carry the one before once more."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libopus", "w")
        self._codec.format, self._codec.layout = "s16", "mono"
        self._codec.sample_rate, self._codec.bit_rate = RATE_HZ, BIT_RATE
        self._codec.time_base = Fraction(1, RATE_HZ)
        self._codec.options = {
            "application": "voip",
            "fec": "1",
            "packet_loss": str(EXPECTED_LOSS_PERCENT),
        }

    def packed(self, samples: Int16, at: int) -> av.Packet[av.AudioStream]:
        """A packet of the next PACKET_SAMPLES, which begin with sample `at`."""
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
        (packet,) = self._codec.encode(frame)
        packet.pts, packet.time_base = at, Fraction(1, RATE_HZ)
        return packet
