"""A voice recording into samples.

Flow      a path -> media.voice_file -> Waveform -> speech, media.encode
Reads     WAV (integers of 8 to 32 bits, floats, mu-law, A-law, ADPCM) and MP3
Gives     Waveform, one or two channels, at the file's own rate

The kind is judged by the content and the length by the samples that really decode: headers lie.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from portravox.arrays import Float32
from portravox.clock import duration_of_samples
from portravox.errors import (
    SettingOutOfRange,
    VoiceSilent,
    VoiceTooLarge,
    VoiceTooLong,
    VoiceTooShort,
    VoiceUnreadable,
    VoiceUnsupported,
)
from portravox.media.files import MIB, UNKNOWN_KIND, kind_in_words, read_bytes
from portravox.media.sound_frames import float_samples
from portravox.media.waveform import Waveform

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

MIN_RATE_HZ = 8_000
MAX_RATE_HZ = 192_000
"""From telephone sound to the fastest that studios use."""

SILENT_SWING = 2e-4
"""Full swing (highest minus lowest sample) below which a channel is silence: 3 steps of a 16-bit
file, -80 dBFS. A whisper recorded at -52 dBFS swings 30 times as far. Our choice; a swing and not
a peak, so that a constant offset is silence too."""

WRONG_SCALE_PEAK = 100.0
"""Float samples beyond this (40 dB over full scale, further than any mix goes) were written in
another scale, often that of 16-bit integers; they are brought back to full scale. Our choice."""

MP3_SLACK_S = 0.1
"""How much longer than the limit an MP3 may be: an encoder that writes no LAME tag adds up to
three frames (26 ms each at 44.1 kHz) around a recording that was cut to the limit. Our choice."""

_WAV_CODECS = ("pcm_", "adpcm_ms", "adpcm_ima_wav", "mp3")
"""What may be inside a WAV file, by the start of the codec's name."""

_MP3_SEARCH_BYTES = 4096
"""How far into a file the first MP3 frame may begin. A recording cut out of a stream starts with
the rest of a frame, and no Layer III frame is longer than 1441 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceLimits:
    """Which recordings are taken; the defaults are those of the DashScope service."""

    max_bytes: int = 15 * MIB
    min_s: float = 1.0
    max_s: float = 180.0

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise SettingOutOfRange("max_bytes", self.max_bytes, "1 or more")
        if not 0.0 <= self.min_s <= self.max_s:
            raise SettingOutOfRange("min_s", self.min_s, f"0 to max_s, which is {self.max_s:g}")


def read_voice(path: str | Path, limits: VoiceLimits | None = None) -> Waveform:
    """Read a WAV or MP3 recording.

    One and two channels stay as they are; more are mixed into one. The silence that an MP3
    encoder puts before and after the recording is cut off where its LAME tag tells how much.
    A damaged stretch of an MP3 is left out; what decodes is taken.

    Raises FileMissing, VoiceUnreadable (empty or damaged), VoiceUnsupported (another kind of file),
    VoiceTooLarge, VoiceTooShort, VoiceTooLong (as soon as it shows) and VoiceSilent.
    """
    limits = limits or VoiceLimits()
    path = Path(path)
    content = read_bytes(path, limits.max_bytes, empty=VoiceUnreadable, too_large=VoiceTooLarge)
    kind = _kind(content)
    if kind is None:
        raise VoiceUnsupported(
            f"{path.name} is {kind_in_words(content)}; wanted a WAV or MP3 recording"
        )
    max_s = limits.max_s + (MP3_SLACK_S if kind == "mp3" else 0.0)

    blocks: list[Float32] = []
    rate_hz = channels = count = 0
    for frame in _frames(path.name, content, kind):
        if not blocks:
            rate_hz, channels = frame.sample_rate, frame.layout.nb_channels
            if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
                raise VoiceUnsupported(
                    f"{path.name} has {rate_hz} samples a second; "
                    f"wanted {MIN_RATE_HZ} to {MAX_RATE_HZ}"
                )
        elif frame.sample_rate != rate_hz:
            raise VoiceUnsupported(
                f"{path.name} changes from {rate_hz} to {frame.sample_rate} samples a second "
                f"after {duration_of_samples(count, rate_hz):.1f} s; wanted one rate"
            )
        block = _with_channels(float_samples(frame), channels)
        blocks.append(block)
        count += len(block)
        if duration_of_samples(count, rate_hz) > max_s:
            raise VoiceTooLong(
                f"{path.name} lasts longer than {limits.max_s:g} s; "
                f"wanted {limits.min_s:g} to {limits.max_s:g} s"
            )
    if count == 0:
        raise VoiceUnreadable(f"{path.name} is empty: it has a header but no samples")
    if duration_of_samples(count, rate_hz) < limits.min_s:
        raise VoiceTooShort(
            f"{path.name} lasts {duration_of_samples(count, rate_hz):.2f} s; "
            f"wanted {limits.min_s:g} to {limits.max_s:g} s"
        )
    samples = np.concatenate(blocks)  # (N, channels)
    # Float files may hold anything; one NaN would spread over everything computed from it.
    np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(np.abs(samples).max())
    if peak > WRONG_SCALE_PEAK:
        samples /= peak
    sounding = np.flatnonzero(np.ptp(samples, axis=0) >= SILENT_SWING)
    if len(sounding) == 0:
        raise VoiceSilent(f"{path.name} is silent from beginning to end; wanted a voice")
    if channels > 2:
        # Of the channels that sound: a voice on one of six would otherwise be 16 dB down.
        samples = samples[:, sounding].mean(axis=1, dtype=np.float32, keepdims=True)
    return Waveform(np.ascontiguousarray(samples), rate_hz)


def _kind(content: bytes) -> str | None:
    """'wav' or 'mp3', by the content; None for anything else."""
    if content[:4] in (b"RIFF", b"RIFX", b"RF64") and content[8:12] == b"WAVE":
        return "wav"
    return "mp3" if _mp3_start(content) is not None else None


def _mp3_start(content: bytes) -> int | None:
    """Where the first MP3 frame begins, ID3v2 tags skipped; None when this is no MP3.

    MP3 has no signature, and its 11 sync bits turn up in any file by chance or, inside a video, by
    right. So a frame must come first or soon, and the frames after it must join up.
    """
    start = 0
    while content[start : start + 3] == b"ID3" and len(content) >= start + 10:
        # 7 bits a byte (ID3v2.4 section 6.2); a fourth flag says that a footer follows.
        size = sum(
            (byte & 0x7F) << (7 * n) for n, byte in enumerate(content[start + 9 : start + 5 : -1])
        )
        start += 10 + size + (10 if content[start + 5] & 0x10 else 0)
    if kind_in_words(content[start:]) != UNKNOWN_KIND:
        return None
    start = len(content) - len(content[start:].lstrip(b"\0"))  # tags may be followed by zeros
    for offset in range(start, min(start + _MP3_SEARCH_BYTES, len(content) - 3)):
        if content[offset] == 0xFF and _frames_join_up(content, offset):
            return offset
    return None


def _frames_join_up(content: bytes, offset: int, wanted: int = 3) -> bool:
    """True when `wanted` MP3 frames follow each other from here, or fewer up to the end."""
    for _ in range(wanted):
        length = _mp3_frame_bytes(content[offset : offset + 4])
        if length is None:
            return False
        offset += length
        if offset + 4 > len(content):
            return True
    return True


_BITRATES_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""MPEG version -> Layer III bit rates by index 1 to 14 (ISO 11172-3 and 13818-3)."""


def _mp3_frame_bytes(header: bytes) -> int | None:
    """Length of the MPEG Layer III frame with this 4-byte header; None if it is none."""
    bits = int.from_bytes(header, "big")
    version = (bits >> 19) & 3  # 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5, 1 is not used
    layer = (bits >> 17) & 3  # 1 is Layer III
    bitrate, rate = (bits >> 12) & 15, (bits >> 10) & 3
    if bits >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return None
    rate_hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits_per_s = 1000 * _BITRATES_KBPS[1 if version == 3 else 2][bitrate - 1]
    samples = 1152 if version == 3 else 576
    return samples // 8 * bits_per_s // rate_hz + ((bits >> 9) & 1)


def _frames(name: str, content: bytes, kind: str) -> Iterator[AudioFrame]:
    """The decoded sound, a few hundredths of a second at a time; damaged packets are left out."""
    import av

    if kind == "mp3":
        # Tags are cut off: a cover picture would be decoded, however large it says it is.
        content = content[_mp3_start(content) :]
    try:
        # The format is given, so that no other of FFmpeg's many readers sees the file.
        container = av.open(io.BytesIO(content), mode="r", format=kind, metadata_errors="replace")
    except av.FFmpegError as error:
        raise VoiceUnreadable(f"{name} is damaged: {error.strerror}") from error
    with container:
        if not container.streams.audio:
            raise VoiceUnreadable(f"{name} is damaged: no sound in it")
        stream = container.streams.audio[0]
        codec = stream.codec_context.name if stream.codec_context else "an unknown codec"
        if not codec.startswith(_WAV_CODECS):
            raise VoiceUnsupported(
                f"{name} is a WAV file with {codec} inside; wanted plain samples (PCM)"
            )
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                decoded = packet.decode() if packet is not None else []
            except av.InvalidDataError:
                continue
            except av.FFmpegError as error:
                raise VoiceUnreadable(f"{name} is damaged: {error.strerror}") from error
            if packet is None:
                return
            yield from decoded


def _with_channels(block: Float32, channels: int) -> Float32:
    """(N, any) -> (N, channels): some MP3 files change between mono and stereo on the way."""
    if block.shape[1] == channels:
        return block
    return np.repeat(block.mean(axis=1, dtype=np.float32, keepdims=True), channels, axis=1)
