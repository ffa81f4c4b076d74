"""A video in pieces that can be played while later ones are still being made: fragmented MP4.

Flow      packets of H.264 and AAC, from media.encode and media.live_video -> media.fragments
          -> bytes for a browser's Media Source, a pipe or a file
Gives     an init segment (ftyp, moov), which says what follows and carries the labels; then
          fragments (moof, mdat), each with the pictures and sound that came since the last

The packets are those that an encoder has made already, so nothing is encoded twice. Written here
and not by FFmpeg's muxer, which decides itself when a fragment ends and holds packets back until
those of the other track are there.

Sources: ISO/IEC 14496-12 (boxes), 14496-14 (esds), 14496-15 (avcC; in an MP4 each NAL unit has its
length before it, and no start code), QuickTime File Format ("mdta" metadata keys); W3C, ISO BMFF
Byte Stream Format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from struct import pack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext

OnFragment = Callable[[bytes], None]
"""Called with the init segment, then with each fragment, by whoever encodes: it must not raise, and
holds the encoder up for as long as it takes."""

TICKS_PER_FRAME = 1000
"""Of the picture track's clock; any whole number keeps frames exact. Our choice: players want some
10,000 ticks a second."""

_MOVIE_TICKS_PER_S = 1000
"""Of the clock in which the length of the whole is said."""

_PICTURE, _SOUND = 1, 2
"""Numbers of the tracks."""

_UNITY = pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""The matrix that turns and scales nothing (14496-12, 8.2.2)."""

_LANGUAGE = 0x55C4
""""und": none is said (14496-12, 8.4.2)."""

_IS_KEY, _IS_DIFFERENCE = 0x0200_0000, 0x0101_0000
"""Flags of a sample (14496-12, 8.8.3.1): depends on no other; depends on others, and is no place to
begin at."""

_IS_SOUND = 0x0200_0000


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTrack:
    """H.264 in yuv420p, BT.709, limited range, a frame every 1/fps of a second."""

    width_px: int
    height_px: int
    fps: int

    parameter_sets: bytes
    """SPS and PPS with start codes, as x264 gives them before the first frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTrack:
    """AAC-LC."""

    rate_hz: int
    channels: int

    config: bytes
    """AudioSpecificConfig, as the encoder gives it."""

    delay_samples: int
    """What the encoder puts before the sound; players leave it out, since an edit list says so."""


@dataclass(slots=True)
class _Sample:
    content: bytes
    ticks: int
    """Its duration."""

    flags: int
    shown_after_ticks: int = 0
    """When it is shown, from when it is decoded; below 0 for some B-frames."""


class FragmentWriter:
    """Makes the pieces of one video. Not for two threads at once.

    Packets go in in the order in which the encoder gives them; pictures and sound need not come
    in step. `cut` gives a fragment of what came since the last cut.
    """

    def __init__(
        self,
        picture: PictureTrack,
        sound: SoundTrack,
        *,
        metadata: Mapping[str, str],
        frames: int | None = None,
    ) -> None:
        """
        metadata  names and texts for the whole, such as the labels
        frames    how many there will be, so that players know the length; None: nobody knows
        """
        self._picture = picture
        self._sound = sound
        self._metadata = dict(metadata)
        self._frames = frames
        self._number = 0
        self._pictures: list[_Sample] = []
        self._sounds: list[_Sample] = []
        self._pictures_before = self._sounds_before = 0
        """Where the next fragment begins, in ticks of its track: what all fragments before last."""

        self._first_dts = 0

    @property
    def pictures_waiting(self) -> int:
        """How many came since the last cut."""
        return len(self._pictures)

    def add_picture(self, packet: bytes, *, pts: int, dts: int, is_key: bool) -> None:
        """The next frame in the order of decoding.

        packet    NAL units with start codes
        pts, dts  when it is shown and when it has to be decoded, in frames. Encoders of B-frames
                  begin with a dts below 0.
        """
        at = self._pictures_before // TICKS_PER_FRAME + len(self._pictures)
        if at == 0:
            self._first_dts = dts
        assert dts == self._first_dts + at, f"dts {dts} after {at} frames"
        self._pictures.append(
            _Sample(
                with_lengths(packet),
                TICKS_PER_FRAME,
                _IS_KEY if is_key else _IS_DIFFERENCE,
                (pts - at) * TICKS_PER_FRAME,
            )
        )

    def add_sound(self, packet: bytes, *, samples: int) -> None:
        """The next packet of sound, and how many samples of each channel it holds."""
        self._sounds.append(_Sample(packet, samples, _IS_SOUND))

    def init_segment(self) -> bytes:
        """What has to come before the first fragment."""
        duration = 0
        if self._frames is not None:
            duration = self._frames * _MOVIE_TICKS_PER_S // self._picture.fps
        movie_header = pack(">IIII", 0, 0, _MOVIE_TICKS_PER_S, 0)  # times and length: not said
        movie_header += pack(">IHH8x", 0x10000, 0x100, 0) + _UNITY + bytes(24)
        length = _full_box(b"mehd", pack(">Q", duration), version=1) if duration else b""
        defaults = b"".join(
            _full_box(b"trex", pack(">IIIII", track, 1, 0, 0, 0)) for track in (_PICTURE, _SOUND)
        )
        moov = _box(
            b"moov",
            _full_box(b"mvhd", movie_header + pack(">I", _SOUND + 1)),
            self._picture_box(),
            self._sound_box(),
            _box(b"mvex", length, defaults),
            _box(b"udta", _metadata_box(self._metadata)),
        )
        # iso6: offsets count from the fragment, and frames may be shown before they are decoded.
        return _box(b"ftyp", b"iso6", pack(">I", 0x200), b"iso6iso5avc1mp41") + moov

    def cut(self) -> bytes:
        """A fragment of what came since the last; empty where nothing did."""
        tracks = [
            (_PICTURE, self._pictures, self._pictures_before),
            (_SOUND, self._sounds, self._sounds_before),
        ]
        tracks = [track for track in tracks if track[1]]
        if not tracks:
            return b""
        self._number += 1
        # Offsets count from the beginning of moof, whose size does not depend on them.
        head = len(self._moof(tracks, [0] * len(tracks)))
        offsets, at = [], head + 8
        for _, samples, _ in tracks:
            offsets.append(at)
            at += sum(len(sample.content) for sample in samples)
        content = b"".join(sample.content for _, samples, _ in tracks for sample in samples)
        fragment = self._moof(tracks, offsets) + _box(b"mdat", content)
        self._pictures_before += sum(sample.ticks for sample in self._pictures)
        self._sounds_before += sum(sample.ticks for sample in self._sounds)
        self._pictures, self._sounds = [], []
        return fragment

    def _moof(self, tracks: list[tuple[int, list[_Sample], int]], offsets: list[int]) -> bytes:
        parts = [_full_box(b"mfhd", pack(">I", self._number & 0xFFFF_FFFF))]
        for (track, samples, before), offset in zip(tracks, offsets, strict=True):
            parts.append(
                _box(
                    b"traf",
                    _full_box(b"tfhd", pack(">I", track), flags=0x020000),  # default-base-is-moof
                    _full_box(b"tfdt", pack(">Q", before), version=1),
                    _run_box(samples, offset),
                )
            )
        return _box(b"moof", *parts)

    def _picture_box(self) -> bytes:
        track = self._picture
        entry = pack(">6xH16xHH", 1, track.width_px, track.height_px)
        entry += pack(">III", 0x480000, 0x480000, 0)  # 72 dots an inch, which nobody reads
        entry += pack(">H32xHh", 1, 24, -1)
        colour = b"nclx" + pack(">HHHB", 1, 1, 1, 0)  # BT.709 all three, limited range
        media = _media_box(
            b"vide",
            track.fps * TICKS_PER_FRAME,
            _full_box(b"vmhd", bytes(8), flags=1),
            _box(b"avc1", entry, _avcc_box(track.parameter_sets), _box(b"colr", colour)),
        )
        size = pack(">II", track.width_px << 16, track.height_px << 16)
        return _box(b"trak", _track_header(_PICTURE, volume=0, size=size), media)

    def _sound_box(self) -> bytes:
        track = self._sound
        entry = pack(">6xH8xHH4xI", 1, track.channels, 16, track.rate_hz << 16)
        media = _media_box(
            b"soun",
            track.rate_hz,
            _full_box(b"smhd", bytes(4)),
            _box(b"mp4a", entry, _esds_box(track.config)),
        )
        # A length of 0 is all that follows (14496-12, 8.6.6.1).
        edit = _full_box(b"elst", pack(">IIiI", 1, 0, track.delay_samples, 0x10000))
        header = _track_header(_SOUND, volume=0x100, size=bytes(8))
        return _box(b"trak", header, _box(b"edts", edit), media)


class Fragmenter:
    """Cuts what two encoders of PyAV give into fragments. Not for two threads at once."""

    def __init__(
        self,
        video: VideoCodecContext,
        audio: AudioCodecContext,
        *,
        metadata: Mapping[str, str],
        frames: int | None,
        frames_per_fragment: int,
        on_fragment: OnFragment,
    ) -> None:
        """
        video, audio  open, with global headers, in clocks of frames and of samples
        frames        how many there will be; None: nobody knows
        """
        assert video.extradata and audio.extradata, "they are open, with global headers"
        self._frames_per_fragment = frames_per_fragment
        self._on_fragment = on_fragment
        self._writer = FragmentWriter(
            PictureTrack(
                width_px=video.width,
                height_px=video.height,
                fps=video.time_base.denominator,
                parameter_sets=video.extradata,
            ),
            SoundTrack(
                rate_hz=audio.rate,
                channels=audio.layout.nb_channels,
                config=audio.extradata,
                delay_samples=audio.frame_size,
            ),
            metadata=metadata,
            frames=frames,
        )
        on_fragment(self._writer.init_segment())

    def add_pictures(self, packets: Iterable[Packet[Any]]) -> None:
        """What the encoder of pictures gave; a fragment goes out where it is full."""
        for packet in packets:
            assert packet.pts is not None and packet.dts is not None
            self._writer.add_picture(
                bytes(packet), pts=packet.pts, dts=packet.dts, is_key=packet.is_keyframe
            )
            if self._writer.pictures_waiting >= self._frames_per_fragment:
                self.cut()

    def add_sounds(self, packets: Iterable[Packet[Any]]) -> None:
        """What the encoder of sound gave."""
        for packet in packets:
            assert packet.duration is not None
            self._writer.add_sound(bytes(packet), samples=packet.duration)

    def cut(self) -> None:
        """A fragment goes out with what there is, if anything."""
        fragment = self._writer.cut()
        if fragment:
            self._on_fragment(fragment)


def with_lengths(packet: bytes) -> bytes:
    """NAL units with a start code before each, as ones with a length of four bytes before each.

    Within a unit there is no start code: the encoder puts a 3 into every such row of bytes
    (ITU-T H.264, 7.4.1).
    """
    return b"".join(pack(">I", len(unit)) + unit for unit in _units(packet))


def _units(packet: bytes) -> list[bytes]:
    # Zeros before a start code belong to none: units do not end with one.
    units = [unit.rstrip(b"\0") for unit in packet.split(b"\0\0\1")]
    return [unit for unit in units if unit]


def _run_box(samples: list[_Sample], offset: int) -> bytes:
    """trun: duration, size, flags and place in time of each sample (14496-12, 8.8.8)."""
    rows = b"".join(
        pack(">IIIi", sample.ticks, len(sample.content), sample.flags, sample.shown_after_ticks)
        for sample in samples
    )
    return _full_box(b"trun", pack(">Ii", len(samples), offset) + rows, version=1, flags=0xF01)


def _track_header(number: int, *, volume: int, size: bytes) -> bytes:
    content = pack(">IIIII", 0, 0, number, 0, 0) + pack(">8xHHHH", 0, 0, volume, 0)
    return _full_box(b"tkhd", content + _UNITY + size, flags=3)  # shown, and part of the movie


def _media_box(handler: bytes, ticks_per_s: int, header: bytes, entry: bytes) -> bytes:
    """mdia: what a track's samples are. Its tables are empty: the samples are in the fragments."""
    here = _full_box(b"url ", b"", flags=1)
    empty = (b"stts", b"stsc", b"stco")
    return _box(
        b"mdia",
        _full_box(b"mdhd", pack(">IIIIHH", 0, 0, ticks_per_s, 0, _LANGUAGE, 0)),
        _full_box(b"hdlr", pack(">I4s12x", 0, handler) + b"\0"),
        _box(
            b"minf",
            header,
            _box(b"dinf", _full_box(b"dref", pack(">I", 1) + here)),
            _box(
                b"stbl",
                _full_box(b"stsd", pack(">I", 1) + entry),
                *(_full_box(kind, pack(">I", 0)) for kind in empty),
                _full_box(b"stsz", pack(">II", 0, 0)),
            ),
        ),
    )


def _avcc_box(parameter_sets: bytes) -> bytes:
    """AVCDecoderConfigurationRecord (14496-15, 5.3.3.1), for 4:2:0 with 8 bits."""
    units = _units(parameter_sets)
    sps = [unit for unit in units if unit[0] & 0x1F == 7]
    pps = [unit for unit in units if unit[0] & 0x1F == 8]
    assert len(sps) == len(pps) == 1, "x264 gives one of each"
    record = b"\1" + sps[0][1:4] + b"\xff\xe1" + pack(">H", len(sps[0])) + sps[0]
    record += b"\1" + pack(">H", len(pps[0])) + pps[0]
    if sps[0][1] in (100, 110, 122, 144):  # High and its kin
        record += b"\xfd\xf8\xf8\x00"
    return _box(b"avcC", record)


def _esds_box(config: bytes) -> bytes:
    """What kind of AAC it is (14496-1, 7.2.6; 14496-14, 5.6)."""
    decoder = pack(">BBxxxII", 0x40, 0x15, 0, 0) + _descriptor(5, config)  # AAC; sound
    stream = pack(">HB", 0, 0) + _descriptor(4, decoder) + _descriptor(6, b"\2")
    return _full_box(b"esds", _descriptor(3, stream))


def _descriptor(tag: int, content: bytes) -> bytes:
    assert len(content) < 128
    return pack(">BB", tag, len(content)) + content


def _metadata_box(metadata: Mapping[str, str]) -> bytes:
    """Keys under their own names, as in finished videos."""
    names = b"".join(_box(b"mdta", name.encode()) for name in metadata)
    utf8 = pack(">II", 1, 0)
    values = b"".join(
        _box(pack(">I", number), _box(b"data", utf8, value.encode()))
        for number, value in enumerate(metadata.values(), start=1)
    )
    return _full_box(
        b"meta",
        _full_box(b"hdlr", pack(">I4s12x", 0, b"mdta") + b"\0")
        + _full_box(b"keys", pack(">I", len(metadata)) + names)
        + _box(b"ilst", values),
    )


def _full_box(kind: bytes, content: bytes, *, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, pack(">I", version << 24 | flags), content)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return pack(">I4s", 8 + len(content), kind) + content
