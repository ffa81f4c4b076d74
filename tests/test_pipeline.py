"""Files are read once and checked; frames go into whatever sink is given."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

import portravox
from benchmarks.probe import probe_video
from portravox.articulation.transcript import Transcript, read_transcript
from portravox.errors import (
    BackgroundUnfit,
    ModelUnavailable,
    OutputNotWritable,
    PictureTooLarge,
    SettingOutOfRange,
    VoiceTooShort,
)
from portravox.labels.signer import Credentials
from portravox.media.picture import Picture
from portravox.media.picture_file import PictureLimits
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform
from portravox.options import OPTIONS, Direction, JobOptions, SpokenText
from portravox.pipeline import (
    STAGE_STARTS,
    Inputs,
    Progress,
    VideoFormat,
    animate,
    animate_inputs,
    produce_id,
    read_inputs,
    render,
    speak_text,
)
from portravox.synthesis.settings import SpeechSettings

SIDE_PX = 64

SIGNED = Credentials(certificates=Path("chain.pem"), key="PEM")


class FlatEngine:
    """Draws flat frames, each a little brighter."""

    name = "flat"

    def __init__(self) -> None:
        self.directions: list[Direction] = []
        self.transcripts: list[object] = []

    def register(self, portrait: Picture, *, face: str | None = None) -> FlatEngine:
        self.portrait = portrait
        return self

    notices = ("about the picture",)

    def frame_size(self, direction: Direction) -> tuple[int, int]:
        del direction
        return SIDE_PX, SIDE_PX

    def speak(
        self, voice: Waveform, direction: Direction, *, transcript: object, on_notice: Any
    ) -> Iterator[Planes]:
        self.directions.append(direction)
        self.transcripts.append(transcript)
        on_notice("about the voice" if transcript is None else "about the transcript")
        for index in range(round(voice.duration_s * direction.video_fps)):
            colour = np.full((SIDE_PX // 2, SIDE_PX // 2), 128, np.uint8)
            yield Planes(np.full((SIDE_PX, SIDE_PX), 16 + index, np.uint8), colour, colour)


class Kept:
    """A sink that keeps the brightness of each frame, and how it ended."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.video: VideoFormat | None = None
        self.ended = ""

    def write(self, frame: Planes) -> None:
        self.frames.append(int(frame.luma[0, 0]))

    @contextmanager
    def open(self, video: VideoFormat) -> Iterator[Kept]:
        self.video = video
        try:
            yield self
        except BaseException:
            self.ended = "broken off"
            raise
        self.ended = "whole"


@pytest.fixture
def inputs() -> Inputs:
    rate_hz = 16_000
    picture = Picture(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
    voice = Waveform(np.zeros((2 * rate_hz, 1), np.float32), rate_hz)
    return Inputs(picture=picture, voice=voice)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A picture of 200 x 100 px and a voice of 1.2 s."""
    Image.new("RGB", (200, 100)).save(tmp_path / "face.png")
    sound = np.random.default_rng(1).normal(0, 3000, 19_200).astype(np.int16)
    wavfile.write(tmp_path / "voice.wav", 16_000, sound)
    return tmp_path / "face.png", tmp_path / "voice.wav"


def test_every_frame_reaches_the_sink_once_and_in_order(inputs: Inputs) -> None:
    sink, engine = Kept(), FlatEngine()
    video, notices = render(inputs, JobOptions(video_fps=20), sink.open, engine=engine)
    assert video == sink.video == VideoFormat(width_px=64, height_px=64, fps=20, frames=40)
    assert video.duration_s == 2.0
    assert sink.frames == list(range(16, 56))
    assert sink.ended == "whole"
    assert notices == ("about the picture", "about the voice")
    assert engine.directions == [Direction(video_fps=20)]


def test_progress_goes_through_the_stages_and_never_back(inputs: Inputs) -> None:
    told: list[Progress] = []
    render(inputs, JobOptions(), Kept().open, engine=FlatEngine(), on_progress=told.append)
    shares = [progress.done for progress in told]
    assert shares == sorted(shares)
    starts = {progress.stage: progress.done for progress in reversed(told)}
    assert starts["face"] == STAGE_STARTS["face"]
    assert starts["listen"] == STAGE_STARTS["listen"]
    assert starts["finish"] == STAGE_STARTS["finish"] == shares[-2]
    frame = (STAGE_STARTS["finish"] - STAGE_STARTS["render"]) / 48
    assert starts["render"] == pytest.approx(STAGE_STARTS["render"] + frame)
    assert list(STAGE_STARTS.values()) == sorted(STAGE_STARTS.values())


def test_a_sink_learns_that_the_rendering_was_stopped(inputs: Inputs) -> None:
    sink = Kept()

    def stop(progress: Progress) -> None:
        if progress.frames_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(inputs, JobOptions(), sink.open, engine=FlatEngine(), on_progress=stop)
    assert (sink.ended, sink.frames) == ("broken off", [16, 17, 18])


def test_inputs_that_are_read_become_a_file_with_a_new_engine(
    inputs: Inputs, tmp_path: Path
) -> None:
    made = animate_inputs(inputs, tmp_path / "o.mp4", JobOptions(video_fps=15), engine=FlatEngine())
    info = probe_video(made.path)
    assert (info.frames, info.fps, info.width_px) == (30, 15, 64)
    assert (made.engine, made.frames, made.duration_s) == ("flat", 30, 2.0)


def test_files_are_read_under_the_limits_that_are_given(files: tuple[Path, Path]) -> None:
    assert read_inputs(*files, JobOptions(max_side=100)).picture.pixels.shape == (50, 100, 3)
    read = read_inputs(*files)
    assert read.picture.pixels.shape == (100, 200, 3)
    assert read.voice.duration_s == pytest.approx(1.2)
    assert read.transcript is None
    with pytest.raises(PictureTooLarge):
        read_inputs(*files, picture_limits=PictureLimits(max_side_px=150, oversize="refuse"))


def test_the_engine_gets_what_the_caller_said_is_spoken(files: tuple[Path, Path]) -> None:
    engine = FlatEngine()
    options = JobOptions(transcript="Papa", language="fr")
    render(read_inputs(*files, options), options, Kept().open, engine=engine)
    assert engine.transcripts == [SpokenText("Papa", "fr")]


def test_words_that_were_read_elsewhere_come_before_the_text(files: tuple[Path, Path]) -> None:
    options = JobOptions(transcript="Papa", language="fr")
    read = Transcript("Papa", "fr", (("p", "a", "p", "a"),))
    assert read_inputs(*files, options, transcript=read).transcript is read


def test_a_transcript_without_words_is_refused_before_the_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(SettingOutOfRange, match="transcript"):
        read_inputs(tmp_path / "no.png", tmp_path / "no.wav", JobOptions(transcript="..."))


def test_no_sink_is_opened_for_what_the_engine_refuses_at_once(inputs: Inputs) -> None:
    class Illiterate(FlatEngine):
        def speak(self, *_: object, **__: object) -> Iterator[Planes]:
            raise ModelUnavailable("reads nothing")

    sink = Kept()
    with pytest.raises(ModelUnavailable):
        render(inputs, JobOptions(), sink.open, engine=Illiterate())
    assert sink.video is None


def test_inputs_that_will_not_do_are_refused_before_an_engine_sees_them(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    sound = np.random.default_rng(2).normal(0, 3000, 8_000).astype(np.int16)
    wavfile.write(tmp_path / "short.wav", 16_000, sound)
    engine = FlatEngine()
    with pytest.raises(VoiceTooShort):
        animate(files[0], tmp_path / "short.wav", tmp_path / "o.mp4", engine=engine)
    with pytest.raises(OutputNotWritable):
        animate(*files, files[0], engine=engine)
    with pytest.raises(SettingOutOfRange):
        animate(*files, tmp_path / "o.mp4", engine=engine, video_fps=99)
    with pytest.raises(TypeError):
        animate(*files, tmp_path / "o.mp4", engine=engine, video_fsp=20)  # type: ignore[call-arg]
    assert not hasattr(engine, "portrait")
    assert not (tmp_path / "o.mp4").exists()


def test_the_signature_of_animate_names_every_option_with_its_default() -> None:
    parameters = inspect.signature(portravox.animate).parameters
    for name, option in OPTIONS.items():
        assert parameters[name].default == option.default
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def test_each_video_has_a_number_of_its_own(inputs: Inputs, tmp_path: Path) -> None:
    def number(task_id: str = "", **chosen: Any) -> str:
        made = animate_inputs(
            inputs,
            tmp_path / "o.mp4",
            JobOptions(**chosen),
            engine=FlatEngine(),
            task_id=task_id,
        )
        label = probe_video(made.path).aigc
        assert label is not None
        return label["ProduceID"]

    numbers = [
        number(),
        number(seed=1),
        number(mouth_move_strength=0.9),
        number(task_id="1"),
        number(task_id="2"),
    ]
    assert len(set(numbers)) == len(numbers)
    assert number() == numbers[0]


def test_a_text_is_spoken_and_its_words_are_known(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait, voice = files
    monkeypatch.setattr(
        "portravox.synthesis.opened.EspeakNg.speak",
        lambda _, order, target: target.write_bytes(voice.read_bytes()[:4000]),
    )
    options = JobOptions(text="你好")
    spoken = portrait.parent / "spoken"
    speak_text(options, spoken, SpeechSettings(provider="espeak-ng"))
    inputs = read_inputs(portrait, spoken, options)
    assert inputs.voice.duration_s == 1.0  # silence behind a short word
    assert inputs.transcript == read_transcript("你好")
    assert read_inputs(portrait, spoken, options, may_read_text=False).transcript is None


def test_there_is_a_text_or_a_recording(tmp_path: Path) -> None:
    for voice, text in ((None, None), ("voice.wav", "Hello")):
        with pytest.raises(SettingOutOfRange, match="either a text or a recording"):
            animate("face.png", voice, tmp_path / "video.mp4", text=text)


def test_captions_lie_beside_the_video(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait, voice = files
    engine: Any = FlatEngine()
    made = animate(
        portrait, voice, tmp_path / "v.mp4", engine=engine, captions="srt", transcript="妈妈"
    )
    assert made.captions == tmp_path / "v.srt"
    assert "妈妈" in made.captions.read_text("utf-8")
    assert any("estimated" in notice for notice in made.notices)  # a tone says nothing


def test_captions_need_words_and_a_kind(files: tuple[Path, Path], tmp_path: Path) -> None:
    asked: dict[str, Any]
    for asked in ({"captions": "srt"}, {"captions": "ass", "transcript": "Hello"}):
        with pytest.raises(SettingOutOfRange, match="captions"):
            animate(*files, tmp_path / "v.mp4", **asked)
    assert not list(tmp_path.glob("v.*"))


def test_captions_in_the_picture_leave_no_file_and_change_the_number(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    engine: Any = FlatEngine()
    said: dict[str, Any] = {"engine": engine, "transcript": "Hello, hello"}
    animate(*files, tmp_path / "plain.mp4", **said)
    made = animate(*files, tmp_path / "burned.mp4", captions="burned", **said)
    assert made.captions is None
    assert {path.name for path in tmp_path.glob("*.*")} >= {"plain.mp4", "burned.mp4"}
    assert not list(tmp_path.glob("*.srt"))
    assert made.path.read_bytes() != (tmp_path / "plain.mp4").read_bytes()
    with pytest.raises(SettingOutOfRange, match="captions_font"):
        animate(*files, tmp_path / "v.mp4", captions_font="x.ttf", **said)


@pytest.mark.parametrize(
    ("options", "output", "words"),
    [
        ({"background": "transparent"}, "v.mp4", "ends in .webm or .mov"),
        ({"background": "transparent", "engine": "neural"}, "v.webm", "#00b140 can be keyed"),
        ({"background": "transparent", "credentials": SIGNED},
         "v.webm", "MP4 alone"),
        ({"background": "nowhere.png"}, "v.mp4", "a picture that is a file"),
        ({"background": "https://h/wall.png"}, "v.mp4", "a picture that is a file"),
    ],
)  # fmt: skip
def test_a_background_that_cannot_be_is_refused_before_anything_is_read(
    tmp_path: Path, options: Any, output: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.pipeline._signer", lambda credentials: credentials)
    with pytest.raises(SettingOutOfRange, match=words):
        portravox.animate("no.png", "no.wav", tmp_path / output, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_background_that_cannot_be_read_is_no_fault_of_the_portrait(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    wall = tmp_path / "wall.png"
    wall.write_bytes(b"no picture")
    with pytest.raises(BackgroundUnfit, match=r"wall\.png"):
        read_inputs(*files, JobOptions(background=str(wall)))


def test_the_number_of_a_video_follows_what_its_background_shows_and_not_its_name(
    inputs: Inputs,
) -> None:
    def number(colour: int, name: str) -> str:
        wall = Picture(np.full((4, 4, 3), colour, np.uint8))
        behind = replace(inputs, backdrop=wall)
        return produce_id(behind, JobOptions(background=name), "embedded", "")

    assert number(9, "a.png") == number(9, "b.png") != number(10, "a.png")
