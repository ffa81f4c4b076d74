"""Compressed sound through FFmpeg, which may open what we name and nothing else.

Flow      media.voice_file -> media.decoded_sound -> blocks of samples

FFmpeg looks into a file with whichever reader and decoder seem to fit, before anybody asks which.
Here the reader is given, readers and decoders beyond the list of each kind are forbidden, and
MP3 frames go to their decoder without a reader.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from portravox.arrays import Float32
from portravox.errors import VoiceTooComplex, VoiceUnreadable, VoiceUnsupported
from portravox.media.sound_frames import float_samples

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream

MAX_PACKETS = 100_000
"""Of one file: 180 s in packets of 2.5 ms, the shortest that Opus has, are 72,000."""

PACKETS_PER_S = 400
"""Of those."""

Block = tuple[Float32, int]
"""(N, channels) samples, and their rate in Hz."""

_PCM = (
    "pcm_u8", "pcm_s8",
    "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be",
    "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw",
)  # fmt: skip
_AMR = ("amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb")


@dataclass(frozen=True, slots=True)
class Reader:
    format: str
    """Of FFmpeg's demuxers."""

    codecs: tuple[str, ...]
    """Of FFmpeg's decoders."""


READERS: Mapping[str, Reader] = {
    "ADPCM": Reader("wav", ("adpcm_ms", "adpcm_ima_wav")),
    "M4A": Reader(
        "mov", ("aac", "alac", "mp3float", "mp3", "opus", "libopus", "flac", *_AMR, *_PCM)
    ),
    "AAC": Reader("aac", ("aac",)),
    "Ogg": Reader("ogg", ("opus", "libopus", "vorbis", "flac")),
    "WebM": Reader(
        "matroska", ("opus", "libopus", "vorbis", "aac", "mp3float", "mp3", "flac", *_PCM)
    ),
    "FLAC": Reader("flac", ("flac",)),
    "CAF": Reader("caf", ("aac", "alac", "opus", "libopus", "adpcm_ima_qt", *_PCM)),
    "AMR": Reader("amr", _AMR),
    "AIFF": Reader("aiff", _PCM),
}


def file_blocks(
    name: str, content: bytes, kind: str, max_packets: int = MAX_PACKETS
) -> Iterator[Block]:
    """The sound of a file of a kind in READERS, a few hundredths of a second at a time.

    Packets that do not decode are left out. Raises VoiceUnreadable, VoiceUnsupported (a codec that
    is not on the list) and VoiceTooComplex.
    """
    reader = READERS[kind]
    with _opened(name, content, reader) as container:
        if not container.streams.audio:
            raise VoiceUnreadable(f"{name} is damaged, or there is no sound in it")
        stream = container.streams.audio[0]
        codec = stream.codec_context.name if stream.codec_context else "an unknown codec"
        if codec not in reader.codecs:
            raise VoiceUnsupported(
                f"{name} is a {kind} file with {codec} inside, which is not read"
            )
        end = _announced_end(stream) if kind == "M4A" else None
        late: list[Block] = []
        count = 0
        for frame in _frames(name, container, stream, max_packets):
            samples, rate_hz = float_samples(frame), frame.sample_rate
            kept = len(samples)
            if end is not None:
                kept = max(0, min(kept, round(end * rate_hz) - count))
            count += len(samples)
            if kept < len(samples):
                late.append((samples[kept:], rate_hz))
            if kept:
                yield samples[:kept], rate_hz
        if sum(len(samples) for samples, _ in late) > MAX_FILLING:
            yield from late  # the announced end was none


def _opened(name: str, content: bytes, reader: Reader) -> Any:
    """The file, to be read by one demuxer and its decoders alone. Raises VoiceUnreadable."""
    import av

    options = {
        "format_whitelist": reader.format,
        "codec_whitelist": ",".join(reader.codecs),
        "protocol_whitelist": "none",  # there is none of this name: what a file names is not opened
        "probesize": "1000000",
    }
    try:
        return av.open(
            io.BytesIO(content),
            mode="r",
            format=reader.format,
            options=options,
            metadata_errors="replace",
        )
    except av.FFmpegError as error:
        raise VoiceUnreadable(f"{name} is damaged: {error.strerror}") from error


def _frames(name: str, container: Any, stream: Any, max_packets: int) -> Iterator[Any]:
    """Decoded frames to the end; packets that do not decode are left out. Raises VoiceUnreadable,
    VoiceTooComplex."""
    import av

    packets = container.demux(stream)
    for _ in range(max_packets):
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
    raise VoiceTooComplex(f"{name} consists of more than {max_packets} packets")


MAX_FILLING = 4_096
"""Samples behind the announced end of an M4A that fill its last packets: up to two of HE-AAC."""


def _announced_end(stream: AudioStream) -> float | None:
    """The length in seconds that the file announces."""
    if not stream.duration or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def mp3_blocks(packets: Iterable[bytes]) -> Iterator[Block]:
    """The sound of MP3 frames. Damaged ones are left out."""
    import av

    decoder: AudioCodecContext = av.CodecContext.create("mp3float", "r")  # type: ignore[assignment]
    for packet in chain(packets, (None,)):
        try:
            decoded = decoder.decode(None if packet is None else av.Packet(packet))
        except (av.InvalidDataError, av.EOFError):
            continue
        for frame in decoded:
            yield float_samples(frame), frame.sample_rate


def resampled(samples: Float32, rate_hz: int, wanted_hz: int) -> Float32:
    """(N, 1 or 2) at another rate, as long as before to half a sample."""
    import av
    import numpy as np

    layout = "mono" if samples.shape[1] == 1 else "stereo"
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=wanted_hz)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout)
    frame.sample_rate = rate_hz
    made = [*resampler.resample(frame), *resampler.resample(None)]
    joined = np.concatenate([piece.to_ndarray().T for piece in made])  # (M, channels)
    count = round(len(samples) * wanted_hz / rate_hz)
    result = np.zeros((count, samples.shape[1]), np.float32)
    result[: min(count, len(joined))] = joined[:count]
    return result
