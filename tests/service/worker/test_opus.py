"""Packets of Opus: lost ones are made up for, mixed up ones put in order, odd ones bear nothing."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import soxr

from portravox.demo import VOICE
from portravox.media.voice_file import read_voice
from portravox.service.worker import opus
from portravox.service.worker.opus import PACKET_SAMPLES, RATE_HZ, Microphone, Packer

pytestmark = pytest.mark.skipif(not opus.is_reachable(), reason="FFmpeg is linked to no libopus")

PACKET_S = PACKET_SAMPLES / RATE_HZ


def voice() -> np.ndarray:
    """(N,) 7 s of the demo's voice, whole packets of it."""
    spoken = read_voice(VOICE)
    samples = soxr.resample(spoken.mono(), spoken.rate_hz, RATE_HZ)
    whole = len(samples) // PACKET_SAMPLES * PACKET_SAMPLES
    return (samples[:whole] * 32_767).astype(np.int16)


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """20 ms each, as `Packer` makes them: browsers use the same encoder."""
    packer, said = Packer(), voice()
    return [
        bytes(packer.packed(said[at : at + PACKET_SAMPLES], at))
        for at in range(0, len(said), PACKET_SAMPLES)
    ]


def heard(packets: list[bytes], order: list[int], first: int = 0) -> np.ndarray:
    """What comes of packets that come in this order, one each 20 ms."""
    microphone = Microphone()
    found = [np.zeros(0, np.int16)]
    for turn, number in enumerate(order):
        found += microphone.add((first + number) % 65_536, packets[number], turn * PACKET_S)
    return np.concatenate(found).astype(np.float64)


def lost_ones(count: int, share: float) -> set[int]:
    """Single ones."""
    chosen = np.random.default_rng(3).permutation(np.arange(5, count - 5, 2))
    return set(chosen[: round(share * count)].tolist())


def likeness(found: np.ndarray, wanted: np.ndarray, lost: set[int]) -> float:
    """Correlation with what was said, over those lost; the error in dB is logged."""
    rows = np.sort(list(lost))
    pick = (rows[:, np.newaxis] * PACKET_SAMPLES + np.arange(PACKET_SAMPLES)).ravel()
    found, wanted = found[pick], wanted[pick]
    error_db = 10.0 * np.log10(np.sum((found - wanted) ** 2) / np.sum(wanted**2))
    r = float(np.corrcoef(found, wanted)[0, 1])
    logging.getLogger(__name__).info("%d lost: error %.1f dB, r %.3f", len(lost), error_db, r)
    return r


def test_what_is_lost_of_a_voice_comes_from_the_packet_behind_it(packets: list[bytes]) -> None:
    whole = heard(packets, list(range(len(packets))))
    assert len(whole) == len(packets) * PACKET_SAMPLES
    lost = lost_ones(len(packets), 0.05)
    mended = heard(packets, [n for n in range(len(packets)) if n not in lost])
    assert len(mended) == len(whole)  # nothing is shorter for it: lips and sound stay in step
    assert likeness(mended, whole, lost) > 0.98
    # Where packets carry no copies, a decoder can but go on as it did.
    bare = Packer()
    bare._codec.options = {"application": "voip"}
    said = voice()
    plain = [
        bytes(bare.packed(said[at : at + PACKET_SAMPLES], at))
        for at in range(0, len(said), PACKET_SAMPLES)
    ]
    all_plain = heard(plain, list(range(len(plain))))
    gone_on = heard(plain, [n for n in range(len(plain)) if n not in lost])
    assert likeness(gone_on, all_plain, lost) < 0.9
    loud = np.abs(gone_on).reshape(-1, PACKET_SAMPLES).max(axis=1)
    was_loud = np.abs(all_plain).reshape(-1, PACKET_SAMPLES).max(axis=1)
    spoken = [n for n in lost if was_loud[n] > 2000]
    assert len(spoken) > 3 and all(loud[n] > 200 for n in spoken)  # and leaves no hole


def test_browsers_are_asked_for_copies() -> None:
    answer = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=mid:0\r\n"
    told = opus.asking_for_copies(answer)
    assert told.splitlines()[2] == "a=fmtp:111 useinbandfec=1"
    assert told.replace("a=fmtp:111 useinbandfec=1\r\n", "") == answer


def test_numbers_that_begin_anew_are_counted_on(packets: list[bytes]) -> None:
    order = [n for n in range(80) if n % 10 != 4]
    here, there = heard(packets, order), heard(packets, order, first=65_500)
    np.testing.assert_array_equal(here, there)
    assert len(here) == 80 * PACKET_SAMPLES


def test_a_line_that_mixes_packets_up_is_waited_for_once_that_was_seen(
    packets: list[bytes],
) -> None:
    order: list[int] = []
    for n in range(0, 100, 5):
        order += [n, n + 2, n + 1, n + 3, n + 4]
    mixed = heard(packets, order)
    whole = heard(packets, list(range(100)))
    assert len(mixed) == len(whole)
    first = 5 * PACKET_SAMPLES  # the first of them was made up, all others came in time
    np.testing.assert_allclose(mixed[2 * first :], whole[2 * first :], atol=2500)
    assert np.corrcoef(mixed[2 * first :], whole[2 * first :])[0, 1] > 0.999


def test_after_a_long_silence_of_the_line_speech_goes_on_where_it_is(packets: list[bytes]) -> None:
    gone = heard(packets, [*range(20), *range(60, 100)])
    most = opus.PACKET_MOST_SAMPLES
    assert len(gone) == 60 * PACKET_SAMPLES + most
    silent = gone[20 * PACKET_SAMPLES + most - 2 * PACKET_SAMPLES :][:PACKET_SAMPLES]
    assert np.abs(silent).max() < 2000  # what is made up fades
    anew = heard(packets, [*range(20), *range(100, 140)])
    assert len(anew) == 60 * PACKET_SAMPLES


def test_what_is_no_packet_bears_nothing_and_the_next_one_is_heard(packets: list[bytes]) -> None:
    microphone = Microphone()
    chance = np.random.default_rng(1)
    assert sum(map(len, microphone.add(0, packets[0], 0.0))) == PACKET_SAMPLES
    most = 0
    for _ in range(2_000):
        odd = chance.bytes(int(chance.integers(0, 1_300)))
        most = max(most, sum(map(len, microphone.add(int(chance.integers(0, 65_536)), odd, 0.0))))
    assert most <= (opus.WAITING_MOST + 1) * opus.PACKET_MOST_SAMPLES
    assert len(microphone._waiting) <= opus.WAITING_MOST
    microphone.add(30_000, packets[0], 1.0)
    assert sum(map(len, microphone.add(30_001, packets[1], 1.0))) >= PACKET_SAMPLES
    assert microphone.add(30_001, packets[1], 1.0) == []  # nothing is heard twice
