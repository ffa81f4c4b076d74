"""Files in, MP4 out: the whole product on one page.

Flow      portrait, voice -> read_inputs -> Inputs -> render: staging, engine -> a sink
          animate: both, with an MP4 as the sink
"""

from __future__ import annotations

import inspect
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Unpack, get_type_hints

from portravox import __version__
from portravox.clock import duration_of_frames, frame_count
from portravox.engines.registry import ENTRIES, open_engine
from portravox.errors import (
    BackgroundUnfit,
    ModelUnavailable,
    OutputNotWritable,
    PictureError,
    SettingOutOfRange,
)
from portravox.labels.aigc import PRODUCER, AiLabel, check_producer, content_id
from portravox.labels.watermark_key import OFF, checked_key, key_of_environment
from portravox.options import (
    GREEN,
    OPTIONS,
    JobOptions,
    OptionValues,
    SpokenText,
    background_kind,
    chosen,
    is_address,
)
from portravox.system import give_back_memory

if TYPE_CHECKING:
    from portravox.captions.cues import Cue
    from portravox.captions.fonts import OpenFont
    from portravox.captions.words import Readings
    from portravox.engines.base import Avatar, Engine
    from portravox.labels.signer import Credentials, Signer
    from portravox.labels.watermark import Watermark
    from portravox.media.encode import OpenVideo, Seal, StampAt, VideoSettings
    from portravox.media.fragments import OnFragment
    from portravox.media.picture import Picture
    from portravox.media.picture_file import PictureLimits
    from portravox.media.planes import Planes
    from portravox.media.voice_file import VoiceLimits
    from portravox.media.waveform import Waveform
    from portravox.options import Direction
    from portravox.synthesis.settings import SpeechSettings

Stage = Literal["read", "face", "listen", "render", "finish"]

STAGE_STARTS: Mapping[Stage, float] = MappingProxyType(
    {"read": 0.0, "face": 0.02, "listen": 0.06, "render": 0.08, "finish": 0.98}
)
"""Share of a job that is done when a stage begins. Our choice."""


ENGINES = tuple(ENTRIES)
"""What the option `engine` may name, the default first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands."""

    stage: Stage
    """read the files, find the face, listen to the voice, render frames, finish the file"""

    done: float
    """0..1 of the whole job"""

    frames_done: int
    frames: int
    """0 until the voice has been read"""

    pixels: int = 0
    """Of a frame, as far as the picture tells; 0 until it has been read"""


@dataclass(frozen=True, slots=True)
class Animation:
    """A finished video."""

    path: Path
    duration_s: float
    frames: int
    fps: int
    width: int
    height: int
    wall_s: float
    """From the call to the finished file."""

    real_time_factor: float
    """wall_s / duration_s"""

    engine: str
    version: str
    captions: Path | None = None
    """Beside the video, where they were asked for."""

    notices: tuple[str, ...] = ()
    """What the caller should know: picture scaled down, several faces found, ..."""


OnProgress = Callable[[Progress], None]
OnFrame = Callable[["Planes"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a video is made from, read and checked."""

    picture: Picture
    voice: Waveform
    backdrop: Picture | None = None
    """What stands behind the person, where that is a picture."""

    transcript: SpokenText | None = None
    """Read by the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    """Of the frames that a sink is to take."""

    width_px: int
    height_px: int
    fps: int
    frames: int

    @property
    def duration_s(self) -> float:
        return duration_of_frames(self.frames, self.fps)


class FrameSink(Protocol):
    """Where frames go: a file, a stream."""

    def write(self, frame: Planes, /) -> None:
        """Take the next frame, which is good until this returns."""


OpenSink = Callable[[VideoFormat], AbstractContextManager[FrameSink]]
"""Makes the sink once the format is known. Its block ends with an exception if rendering fails."""


def animate(
    portrait: str | Path,
    voice: str | Path | None,
    output: str | Path,
    *,
    engine: str | Engine = "embedded",
    producer: str = PRODUCER,
    credentials: Credentials | None = None,
    watermark_key: str | None = None,
    speech: SpeechSettings | None = None,
    captions_font: str | Path | None = None,
    on_progress: OnProgress | None = None,
    on_frame: OnFrame | None = None,
    **options: Unpack[OptionValues],
) -> Animation:
    """Make the person in a portrait speak a recording, or a text.

    portrait            JPEG, PNG, BMP, WebP, GIF, AVIF; HEIC with the extra `heif`
    voice               WAV, MP3, or what phones and browsers record, 1 s to 60 min; None with
                        a `text`, which a speech provider speaks
    output              the MP4, of a transparent background a .webm or .mov; appears only when
                        whole
    engine              "embedded", or an engine of your own
    producer            who makes the video, named in its AIGC label
    credentials         certificates and a key: the video carries a signed C2PA manifest, or there
                        is none
    watermark_key       by which the mark in the picture is made and found, 16 to 200 characters;
                        "off": no mark; None: what PORTRAVOX_WATERMARK_KEY says, else a public key
    speech              who speaks a text; None: what PORTRAVOX_SPEECH and its like say, else
                        espeak-ng where it is installed
    captions_font       TrueType or OpenType, for captions in the picture; None: one that is found
    on_progress         called now and then from the calling thread; what it raises stops the job
    on_frame            called with each frame, which is good until it returns; likewise
    template_id ..      see `JobOptions`, whose names, ranges and defaults these are

    Raises InputError for what the caller can mend and EngineError for the rest. Whatever is
    raised, no half file is left.

    >>> import portravox
    >>> video = portravox.animate("face.png", "voice.wav", "talk.mp4", video_fps=25)
    >>> video.path.name, video.duration_s, video.fps, video.frames
    ('talk.mp4', 1.0, 25, 25)
    """
    from portravox.media.encode import check_writable

    started = time.perf_counter()
    picked = JobOptions(**options)
    check_producer(producer)
    signer = None if credentials is None else _signer(credentials)
    key = key_of_environment() if watermark_key is None else checked_key(watermark_key)
    path = Path(output)
    if (voice is None) == (picked.text is None):
        raise SettingOutOfRange("text", picked.text, "either a text or a recording")
    beside = _captions_file(path, picked)
    font = captions_font_for(picked, captions_font)
    background = _background_file(picked)
    given = (portrait, voice, background)
    refuse_overwriting(path, *(Path(file) for file in given if file is not None))
    opener = _opener(picked, path, engine, is_signed=credentials is not None)
    check_writable(path)
    drawing = open_engine(engine) if isinstance(engine, str) else engine
    (on_progress or _tell_nobody)(Progress("read", STAGE_STARTS["read"], 0, 0))
    with _spoken(voice, picked, speech) as recording:
        inputs = read_inputs(portrait, recording, picked)
        seal = None if signer is None else _seal(signer, producer, portrait, recording, background)
    burned, notices = burned_captions(inputs.voice, picked, font)
    made = animate_inputs(
        inputs,
        path,
        picked,
        burned=burned,
        engine=drawing,
        producer=producer,
        seal=seal,
        watermark=key,
        on_progress=on_progress,
        on_frame=on_frame,
        open_video=opener,
    )
    if beside is not None:
        notices = write_captions(inputs.voice, picked, beside)
    wall_s = time.perf_counter() - started
    return replace(
        made,
        captions=beside,
        notices=(*made.notices, *notices),
        wall_s=wall_s,
        real_time_factor=wall_s / made.duration_s,
    )


@contextmanager
def _spoken(
    voice: str | Path | None, options: JobOptions, speech: SpeechSettings | None
) -> Iterator[str | Path]:
    """The recording, or one of the text that is there until this ends."""
    if voice is not None:
        yield voice
        return
    with tempfile.TemporaryDirectory(prefix="portravox-") as folder:
        recording = Path(folder) / "speech"
        speak_text(options, recording, speech)
        yield recording


def burned_captions(
    voice: Waveform,
    options: JobOptions,
    font: OpenFont | None,
    *,
    readings: Readings | None = None,
) -> tuple[tuple[Sequence[Cue], OpenFont] | None, tuple[str, ...]]:
    """Captions to draw into the picture, and notices about them; None without a font."""
    if font is None:
        return None, ()
    cues, notices = _cues(voice, options, readings)
    return (cues, font), notices


def _signer(credentials: Credentials) -> Signer:
    """Raises CredentialsUnusable."""
    from portravox.labels.signer import open_signer

    return open_signer(credentials)


def _seal(
    signer: Signer,
    producer: str,
    portrait: str | Path,
    voice: str | Path,
    background: Path | None,
) -> Seal:
    """Puts a signed manifest into the video of these files, which are read now."""
    from portravox.inspection import ingredients_of
    from portravox.labels.origin import Origin, now_in_words
    from portravox.labels.seal import placeholder_for, prepare, seal

    origin = Origin(
        ingredients=ingredients_of(Path(portrait), Path(voice), background),
        made_at=now_in_words(),
        producer=producer,
    )
    placeholder = placeholder_for(signer)

    def write(video: Path) -> None:
        prepare(video, origin, placeholder)
        seal(video, origin, signer, placeholder.content)

    return write


def _background_file(options: JobOptions) -> Path | None:
    """The file of a background that is a picture. Raises SettingOutOfRange."""
    if background_kind(options.background) != "picture":
        return None
    path = Path(options.background)
    if is_address(options.background) or not path.is_file():
        raise SettingOutOfRange(
            "background", options.background, f"{OPTIONS['background'].kind.wanted} that is a file"
        )
    return path


def _opener(
    options: JobOptions, output: Path, engine: str | Engine, *, is_signed: bool
) -> OpenVideo | None:
    """What makes the file, where it is no MP4. Raises SettingOutOfRange."""
    from portravox.media.see_through import opener

    if background_kind(options.background) != "transparent":
        return None
    if is_signed:
        raise SettingOutOfRange(
            "background", options.background, "another one: C2PA manifests are put into MP4 alone"
        )
    entry = ENTRIES.get(engine if isinstance(engine, str) else engine.name)
    if entry is not None and not entry.draws_alpha:
        raise SettingOutOfRange(
            "background", options.background, f"another one with this engine; {GREEN} can be keyed"
        )
    return opener(output)


def read_background(path: Path, limits: PictureLimits | None = None) -> Picture:
    """The picture that is to stand behind the person.

    Raises BackgroundUnfit.
    """
    from portravox.media.picture_file import read_picture

    try:
        return read_picture(path, limits)
    except PictureError as error:
        raise BackgroundUnfit(error) from error


def _captions_in(
    video: VideoFormat, burned: tuple[Sequence[Cue], OpenFont], settings: VideoSettings
) -> StampAt:
    """What captions put onto which frame, above the visible label if there is one."""
    from portravox.captions.burned import BurnedCaptions
    from portravox.labels.visible import visible_label

    cues, font = burned
    width_px, height_px = video.width_px, video.height_px
    clear_px = 0
    if settings.visible_label is not None and settings.label_place.startswith("bottom"):
        label = visible_label(settings.visible_label, width_px, height_px)
        clear_px = height_px - label.top_px + label.grey.shape[0] // 4
    return BurnedCaptions(
        cues, font, width_px=width_px, height_px=height_px, fps=video.fps, clear_px=clear_px
    ).at


def captions_font_for(options: JobOptions, file: str | Path | None) -> OpenFont | None:
    """A font for what captions in the picture say; None where there are none. Raises
    SettingOutOfRange."""
    if options.captions != "burned":
        if file is not None:
            raise SettingOutOfRange("captions_font", str(file), "burned captions, too")
        return None
    from portravox.captions.fonts import font_for

    said = options.text or options.transcript
    assert said is not None
    return font_for(said, None if file is None else Path(file))


def _captions_file(video: Path, options: JobOptions) -> Path | None:
    """Where captions go, found to be writable; None where none are to be beside the video.

    Raises SettingOutOfRange, OutputNotWritable.
    """
    from portravox.media.encode import check_writable

    kind = options.captions
    if kind is None:
        return None
    if options.transcript is None and options.text is None:
        raise SettingOutOfRange("captions", kind, "a text or a transcript to take the words from")
    if kind == "burned":
        return None
    beside = video.with_suffix(f".{kind}")
    check_writable(beside)
    return beside


def write_captions(
    voice: Waveform,
    options: JobOptions,
    target: Path,
    *,
    readings: Readings | None = None,
) -> tuple[str, ...]:
    """Write what is said as a file of captions: SubRip where the options say so, else WebVTT.
    Returns what the caller should know.

    voice     as it is heard in the video
    options   with a text or a transcript
    readings  how its words sound, for a process that may start no program

    Raises OutputNotWritable.
    """
    from portravox.atomic_file import SHARED, writing
    from portravox.captions.files import written

    cues, notices = _cues(voice, options, readings)
    try:
        with writing(target, mode=SHARED) as file:
            file.write(written(cues, "srt" if options.captions == "srt" else "vtt").encode())
    except OSError as error:
        raise OutputNotWritable(target, error.strerror or str(error)) from error
    return notices


def _cues(
    voice: Waveform, options: JobOptions, readings: Readings | None = None
) -> tuple[Sequence[Cue], tuple[str, ...]]:
    """The captions of a video, and what the caller should know about them."""
    from portravox.captions.cues import cues_of
    from portravox.captions.words import timed_words

    # What was written to be spoken is what is read; a transcript may spell it for the lips alone.
    words = options.text or options.transcript
    assert words is not None
    timed, heard = timed_words(voice, SpokenText(words, options.language), readings)
    told = () if heard else ("the captions' times are estimated: the words do not fit the voice",)
    return cues_of(timed, voice.duration_s), told


def speak_text(
    options: JobOptions, target: Path, speech: SpeechSettings | None = None
) -> SpeechSettings:
    """Have the text of the options spoken, into a new file. Returns who spoke it.

    speech   None: as the environment says

    Raises SpeechNotSetUp, SpeechRefused, SpeechUnavailable, SettingOutOfRange.
    """
    from portravox.synthesis.opened import open_provider
    from portravox.synthesis.provider import speech_request
    from portravox.synthesis.settings import speech_of_environment

    assert options.text is not None
    chosen_speech = speech or speech_of_environment()
    asked = speech_request(
        chosen_speech, options.text, voice=options.voice_name, language=options.language
    )
    open_provider(chosen_speech).speak(asked, target)
    return chosen_speech


def read_inputs(
    portrait: str | Path,
    voice: str | Path,
    options: JobOptions | None = None,
    *,
    picture_limits: PictureLimits | None = None,
    voice_limits: VoiceLimits | None = None,
    transcript: SpokenText | None = None,
    may_read_text: bool = True,
    background: Path | None = None,
) -> Inputs:
    """Read and check the files, and the options that say what the voice says.

    background   where the picture lies that the options name as one; None: they name a file

    transcript   None: the text in the options, which the engine reads. A process that may start no
                 program brings one whose words were read elsewhere.
    may_read_text  whether a text that was spoken may be read here, if no transcript is given

    Raises InputError.
    """
    options = options or JobOptions()
    if transcript is None:
        transcript = options.spoken_text
    if options.text is not None and transcript is None and may_read_text:
        transcript = _words_of(options.text, options.language)
    sound = read_sound(voice, options, voice_limits)
    file = background or _background_file(options)
    backdrop = None if file is None else read_background(file, picture_limits)
    return Inputs(
        picture=read_picture_of(portrait, options, picture_limits),
        voice=sound,
        transcript=transcript,
        backdrop=backdrop,
    )


def read_picture_of(
    portrait: str | Path, options: JobOptions, limits: PictureLimits | None = None
) -> Picture:
    """The portrait, as large as these options need it. Raises PictureError, FileMissing."""
    from portravox.media.picture_file import read_picture
    from portravox.staging.stage import reading_side

    return read_picture(portrait, limits, max_side_px=reading_side(options))


def read_sound(
    voice: str | Path, options: JobOptions, limits: VoiceLimits | None = None
) -> Waveform:
    """The recording, as the video is to have it. Raises VoiceError, FileMissing."""
    from portravox.media.voice_file import VoiceLimits, lasting, read_voice

    limits = limits or VoiceLimits()
    if options.text is None:
        return read_voice(voice, limits)
    # Nobody can mend a word that takes less than a second to say.
    return lasting(read_voice(voice, replace(limits, min_s=0.0)), limits.min_s)


def _words_of(text: str, language: str | None) -> SpokenText | None:
    """A text that was spoken, with its words read; None where they cannot be: the voice will do."""
    from portravox.articulation.transcript import read_transcript

    try:
        return read_transcript(text, language)
    except (SettingOutOfRange, ModelUnavailable):
        return None


def animate_inputs(
    inputs: Inputs,
    output: Path,
    options: JobOptions,
    *,
    engine: Engine | None = None,
    producer: str = PRODUCER,
    task_id: str = "",
    watermark: str | Watermark = OFF,
    on_progress: OnProgress | None = None,
    on_frame: OnFrame | None = None,
    on_fragment: OnFragment | None = None,
    burned: tuple[Sequence[Cue], OpenFont] | None = None,
    seal: Seal | None = None,
    open_video: OpenVideo | None = None,
) -> Animation:
    """Make the MP4 of inputs that are read already; see `animate`.

    engine   None: the one that the options name
    task_id  what tells this video from others of the same inputs and options, where there may be
             others
    watermark   for the picture: the mark, or the key of one that tells the video's number; "off"
    on_fragment  is given the video as it is made, as a fragmented MP4
    burned   captions to draw into the picture, and the font
    seal     writes into the whole file, last of all
    open_video   what makes a file of another kind
    """
    from portravox.labels.watermark import watermark_of
    from portravox.media.encode import QUALITIES, VideoWriter

    started = time.perf_counter()
    tell = on_progress or _tell_nobody
    drawing = engine or open_engine(options.engine)
    settings = QUALITIES[options.quality].labelled(options)

    def open_file(video: VideoFormat) -> VideoWriter:
        cues = None if burned is None else burned[0]
        number = produce_id(inputs, options, drawing.name, task_id, cues)
        mark = (
            watermark_of(watermark, producer, number) if isinstance(watermark, str) else watermark
        )
        return VideoWriter(
            output,
            width_px=video.width_px,
            height_px=video.height_px,
            fps=video.fps,
            frames=video.frames,
            voice=inputs.voice,
            settings=settings,
            label=AiLabel(producer=producer, content_id=number),
            watermark=mark,
            on_fragment=on_fragment,
            stamp_at=None if burned is None else _captions_in(video, burned, settings),
            seal=seal,
            open_video=open_video,
        )

    video, notices = render(
        inputs, options, open_file, engine=drawing, on_progress=tell, on_frame=on_frame
    )
    give_back_memory()  # 100 MB at 2048 px, which the next video would be made on top of
    wall_s = time.perf_counter() - started
    tell(Progress("finish", 1.0, video.frames, video.frames))
    return Animation(
        path=output,
        duration_s=video.duration_s,
        frames=video.frames,
        fps=video.fps,
        width=video.width_px,
        height=video.height_px,
        wall_s=wall_s,
        real_time_factor=wall_s / video.duration_s,
        engine=drawing.name,
        version=__version__,
        notices=notices,
    )


def render(
    inputs: Inputs,
    options: JobOptions,
    open_sink: OpenSink,
    *,
    engine: Engine,
    on_progress: OnProgress | None = None,
    on_frame: OnFrame | None = None,
) -> tuple[VideoFormat, tuple[str, ...]]:
    """Draw all frames into a sink. Returns their format, and what the caller should know.

    Raises FaceError, SettingOutOfRange or ModelUnavailable for a transcript that cannot be read,
    and what the engine and the sink raise.
    """
    tell = on_progress or _tell_nobody
    frames = frame_count(inputs.voice.duration_s, options.video_fps)
    tell(Progress("face", STAGE_STARTS["face"], 0, frames, inputs.picture.pixels[..., 0].size))
    avatar, direction = prepared(inputs.picture, options, inputs.backdrop, engine=engine)
    width_px, height_px = avatar.frame_size(direction)
    tell(Progress("listen", STAGE_STARTS["listen"], 0, frames, width_px * height_px))
    notices = [*avatar.notices, *inputs.voice.notices]
    video = VideoFormat(
        width_px=width_px, height_px=height_px, fps=direction.video_fps, frames=frames
    )
    start, end = STAGE_STARTS["render"], STAGE_STARTS["finish"]
    drawn = avatar.speak(
        inputs.voice, direction, transcript=inputs.transcript, on_notice=notices.append
    )
    give_back_memory()  # of the plan: 20 MB, and 70 MB of a voice of three minutes
    with open_sink(video) as sink:
        for done, frame in enumerate(drawn, start=1):
            sink.write(frame)
            if done == 1:
                give_back_memory()  # of the watermark, which follows the first frame: 65 MB
            if on_frame is not None:
                on_frame(frame)
            tell(Progress("render", start + (end - start) * done / frames, done, frames))
        tell(Progress("finish", end, frames, frames))
    return video, tuple(dict.fromkeys(notices))


def prepared(
    picture: Picture, options: JobOptions, backdrop: Picture | None, *, engine: Engine
) -> tuple[Avatar, Direction]:
    """The person of a picture as an engine draws them, and how they are directed there.

    Raises FaceError, SettingOutOfRange.
    """
    from portravox.staging.stage import staged

    ready = staged(picture, options, backdrop)
    return engine.register(ready.picture, face=ready.face), ready.direction


def refuse_overwriting(output: Path, *inputs: Path) -> None:
    """Raise OutputNotWritable where the video would take the place of what it is made from."""
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise OutputNotWritable(output, "it is one of the inputs")


def produce_id(
    inputs: Inputs,
    options: JobOptions,
    engine: str,
    task_id: str,
    burned: Sequence[Cue] | None = None,
) -> str:
    """The number of a video: of all that its frames and sound depend on."""
    drawn = [] if burned is None else ["captions", *(cue.lines for cue in burned)]
    settings = chosen(options)
    settings.pop("captions", None)  # those in the picture count, as what is drawn
    behind = []
    if inputs.backdrop is not None:
        settings["background"] = "picture"  # what it shows counts, and not its name
        behind = [inputs.backdrop.pixels.tobytes()]
    picked = json.dumps([settings, engine, __version__, task_id, *drawn], sort_keys=True)
    return content_id(
        inputs.picture.pixels.tobytes(),
        inputs.voice.digest(),
        picked.encode(),
        *behind,
    )


def _tell_nobody(progress: Progress) -> None:
    del progress


def _signature_with_options(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function that takes the options as keywords, each of them by its name."""
    signature = inspect.signature(function)
    kinds = get_type_hints(OptionValues)
    named = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=OPTIONS[name].default,
            annotation=inspect.formatannotation(kind),
        )
        for name, kind in kinds.items()
    ]
    explicit = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    return signature.replace(parameters=[*explicit, *named])


animate.__signature__ = _signature_with_options(animate)  # type: ignore[attr-defined]
"""For `help(animate)`, editors and the reference."""
