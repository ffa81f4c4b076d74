"""Parts of a video, encoded apart, into one file: the pictures are not decoded.

Flow      MP4s without sound, the voice -> media.join -> video.mp4, as media.encode would write it

Each part begins with a picture that needs no other (IDR) and has closed groups of pictures, and all
come from an encoder with the same settings. So their packets may follow each other as they are,
with their times moved; the sound is encoded once, along with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portravox.errors import EncodingFailed, PortravoxError
from portravox.labels.aigc import AiLabel
from portravox.media.encode import (
    Seal,
    SoundTrack,
    create_part,
    failure_of_encoder,
    keep_video,
    open_mp4,
)
from portravox.media.waveform import Waveform

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_READING = {
    "format_whitelist": "mov",
    "codec_whitelist": "h264",
    "protocol_whitelist": "file",  # what a file names is not opened by another way
}


def join_parts(
    parts: Sequence[Path],
    output: Path,
    *,
    frames: Sequence[int],
    fps: int,
    voice: Waveform,
    label: AiLabel | None = None,
    seal: Seal | None = None,
) -> None:
    """Write one video of parts that `VideoWriter` wrote without sound.

    frames   of each part
    seal     is given the whole file before it gets its name, to write into it last

    Raises EncodingFailed where a part is not what it is to be, OutputNotWritable. Whatever is
    raised, no half file is left.
    """
    label = label or AiLabel()
    whole = create_part(output)
    try:
        _write(whole, parts, frames=frames, fps=fps, voice=voice, label=label)
        keep_video(whole, output, label=label, seal=seal)
    except PortravoxError:
        raise
    except (OSError, ValueError) as error:  # FFmpeg's are either
        raise failure_of_encoder(error, output) from error
    finally:
        whole.unlink(missing_ok=True)


def _write(
    whole: Path,
    parts: Sequence[Path],
    *,
    frames: Sequence[int],
    fps: int,
    voice: Waveform,
    label: AiLabel,
) -> None:
    with closing(open_mp4(whole, label.metadata())) as file:
        done = delay = 0
        stream: VideoStream | None = None
        sound: SoundTrack | None = None
        for part, count in zip(parts, frames, strict=True):
            first = done
            with _opened(part) as source:
                [pictures] = source.streams.video
                if stream is None:
                    stream = file.add_stream_from_template(pictures)
                    stream.time_base = Fraction(1, fps)
                    sound = SoundTrack(file, voice)
                _require_alike(stream, pictures, part)
                assert sound is not None
                for packet in _packets(source, pictures, count, fps, part):
                    assert packet.pts is not None and packet.dts is not None
                    if done == 0:  # by how much pictures are decoded before they are shown
                        delay = packet.pts - packet.dts
                    packet.pts, packet.dts = packet.pts + first, done - delay
                    if packet.pts < packet.dts:
                        raise EncodingFailed(f"{part.name} has its pictures in another order")
                    packet.stream = stream
                    file.mux(packet)
                    done += 1
                    for packets in sound.until(done, fps):
                        file.mux(packets)
        if sound is not None:
            for packets in sound.rest():
                file.mux(packets)


def _opened(part: Path) -> InputContainer:
    import av

    return av.open(str(part.absolute()), mode="r", format="mov", options=_READING)


def _require_alike(stream: VideoStream, pictures: VideoStream, part: Path) -> None:
    """Raise EncodingFailed where a part's pictures need another decoder than those before."""
    ours, theirs = stream.codec_context, pictures.codec_context
    if (theirs.name, theirs.width, theirs.height) != ("h264", ours.width, ours.height):
        raise EncodingFailed(f"{part.name} has pictures of another kind")
    if ours.extradata != theirs.extradata:
        raise EncodingFailed(f"{part.name} comes from an encoder with other settings")


def _packets(
    source: InputContainer, pictures: VideoStream, count: int, fps: int, part: Path
) -> Iterator[Packet[Any]]:
    """A part's pictures with their times in frames, the first shown at 0."""
    found = 0
    for packet in source.demux(pictures):
        if packet.dts is None or packet.pts is None:
            continue  # the end
        if found == 0 and not packet.is_keyframe:
            raise EncodingFailed(f"{part.name} does not begin with a picture of its own")
        found += 1
        times = (packet.pts * packet.time_base * fps, packet.dts * packet.time_base * fps)
        if any(time.denominator != 1 for time in times) or not 0 <= times[0] < count:
            raise EncodingFailed(f"{part.name} has a picture at no frame of its own")
        packet.time_base = Fraction(1, fps)
        packet.pts, packet.dts = (time.numerator for time in times)
        packet.duration = 1
        yield packet
    if found != count:
        raise EncodingFailed(f"{part.name} has {found} pictures; wanted {count}")
