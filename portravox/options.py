"""Job options: what a caller may choose about a video, each defined once.

Flow      command line, batch lists, HTTP bodies, the studio -> options -> pipeline, engines
Gives     Direction (what an engine reads), JobOptions (all of them), OPTIONS (their definitions)

A field of `Direction` or `JobOptions` carries its definition: values and range, default, unit, and
texts in English and Chinese. The options of the command line, the columns of batch lists, the
checks and the OpenAPI schema of HTTP, the controls of the studio and the reference all come from
it, so a new option is one field here and the code that reads it.

Names, ranges and defaults marked `original` are those of the DashScope `liveportrait` service.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, TypedDict, get_args

from portravox.errors import SettingOutOfRange

TEMPLATES = ("calm", "normal", "active")
EXPRESSIONS = ("neutral", "happy", "serious", "sad", "surprised")
FRAMES = ("original", "1:1", "9:16", "16:9", "4:5")
BACKGROUNDS = ("keep", "blur", "green", "transparent")
"""By name; a background may be a colour or a picture, too."""

GREEN = "#00b140"
"""Of the cloth that video editors key out."""

QUALITY_NAMES = ("draft", "standard", "high")
SOUND_RATES_HZ = (16_000, 24_000, 32_000, 44_100, 48_000)
"""Of the sound that a live session gives. Each has whole samples in a row of 10 ms."""

DEFAULT_SOUND_RATE_HZ = 48_000

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
"""Of the sound that a live session takes."""

CAPTION_PLACES = ("srt", "vtt", "burned")
"""Two files beside the video, or in its picture."""

LABEL_LANGUAGES = ("zh", "en")

LabelPlace = Literal["bottom-right", "bottom-left", "top-right", "top-left"]
LABEL_PLACES = get_args(LabelPlace)

LEAST_LABEL_S = 2
"""GB 45438-2025 (China), 5.2: a label in a video is seen for two seconds at least."""

MAX_SEED = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

EXTENSION = "portravox"
"""The key in `parameters` under which options beyond the original's travel over HTTP, so that none
of them can ever mean something else to a client of the original."""

MAX_TRANSCRIPT_CHARACTERS = 20_000
"""Five times what is said in three minutes; our choice."""

MAX_TEXT_CHARACTERS = 4096
"""Of a text to be spoken: what OpenAI's interface takes, about four minutes."""

_VOICE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.+() -]{0,63}"
_LANGUAGE_CODE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"
_FACE = r"[1-9][0-9]?|(0(\.[0-9]{1,6})?|1(\.0{1,6})?),(0(\.[0-9]{1,6})?|1(\.0{1,6})?)"
_ENGINE_NAME = r"[a-z][a-z0-9_-]{0,31}"

_BACKGROUND = r"[^\x00-\x1f\x7f]+"
_MAX_BACKGROUND = 8192
"""Characters: of the longest address that is fetched."""

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")

_SHOWN_CHARACTERS = 60
"""Of a wrong text, in the error about it; our choice."""


class Words(NamedTuple):
    """A text in the languages of the studio."""

    en: str
    zh: str


class Kind(Protocol):
    """Which values an option may have."""

    @property
    def wanted(self) -> str:
        """The values in words, for an error."""

    @property
    def metavar(self) -> str:
        """The values in a word, for the help of the command line."""

    def fits(self, value: object) -> bool:
        """Whether a value is of the right type and within the range."""

    def from_text(self, text: str) -> object:
        """Parse a text: of the command line, of a CSV cell. Raises ValueError."""

    def from_json(self, value: object) -> object:
        """Take over a JSON value; what does not fit is left for `fits` to refuse."""

    def json_schema(self) -> dict[str, Any]:
        """JSON schema of the values, without null."""


@dataclass(frozen=True, slots=True)
class Real:
    """A number, both ends included."""

    low: float
    high: float

    @property
    def wanted(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    @property
    def metavar(self) -> str:
        return f"{self.low:g}..{self.high:g}"

    def fits(self, value: object) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high  # type: ignore[operator] # a NaN fails

    def from_text(self, text: str) -> float:
        return float(text)

    def from_json(self, value: object) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, both ends included."""

    low: int
    high: int

    @property
    def wanted(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    def metavar(self) -> str:
        return "N" if self.high == MAX_SEED else f"{self.low}..{self.high}"

    def fits(self, value: object) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high  # type: ignore[operator]

    def from_text(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            number = float(text)
            if not number.is_integer():
                raise
            return int(number)

    def from_json(self, value: object) -> object:
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            return int(value)  # some JSON libraries know no whole numbers
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""

    @property
    def wanted(self) -> str:
        return "true or false"

    @property
    def metavar(self) -> str:
        return "true|false"

    def fits(self, value: object) -> bool:
        return isinstance(value, bool)

    def from_text(self, text: str) -> bool:
        word = text.strip().lower()
        if word not in _TRUTHS:
            raise ValueError(text)
        return _TRUTHS[word]

    def from_json(self, value: object) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some names."""

    names: tuple[str, ...]

    word: str = ""
    """For all of them, in the command line's help, where they are too long to be listed there."""

    @property
    def wanted(self) -> str:
        return " or ".join(filter(None, (", ".join(self.names[:-1]), self.names[-1])))

    @property
    def metavar(self) -> str:
        return self.word or "|".join(self.names)

    def fits(self, value: object) -> bool:
        return isinstance(value, str) and value in self.names

    def from_text(self, text: str) -> str:
        return text

    def from_json(self, value: object) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.names)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of limited length."""

    wanted: str
    metavar: str
    max_characters: int

    pattern: str | None = None
    """A regular expression for the whole of it."""

    def fits(self, value: object) -> bool:
        if not isinstance(value, str) or len(value) > self.max_characters:
            return False
        return self.pattern is None or re.fullmatch(self.pattern, value) is not None

    def from_text(self, text: str) -> str:
        return text

    def from_json(self, value: object) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "maxLength": self.max_characters}
        return schema if self.pattern is None else {**schema, "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How the studio offers an option."""

    kind: Literal[
        "slider", "choice", "select", "number", "line", "lines", "background", "picture", "voice"
    ]
    """slider and number: of numbers; choice: all values side by side; select: a list of
    suggestions; line and lines: of text; background: some names, a colour or a picture; picture and
    voice: chosen where the portrait and the voice are"""

    step: float = 1.0
    """Of a slider."""

    suggestions: tuple[int, ...] = ()
    """What a select offers beside the default."""

    random_below: int | None = None
    """A number gets a button for another one, from 1 to below this."""

    offered: tuple[str, ...] = ()
    """Of a choice: what the studio offers beside the default; (): all."""

    advanced: bool = False
    """Shown under "More options"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """The definition of one option."""

    name: str = ""
    default: Any = None

    kind: Kind
    title: Words
    help: Words
    """One or two sentences, for the command line, the studio and the reference."""

    control: Control

    flag: str = ""
    """On the command line, without dashes, where that is another word than its name."""

    unit: Words | None = None
    """As written behind a value."""

    original: bool = False
    """Of the DashScope contract. Over HTTP it stands in `parameters`, all others in
    `parameters.portravox`."""

    optional: bool = False
    """Whether it may be None, which is its default then."""

    none: Words | None = None
    """What None means."""

    value_titles: Mapping[object, Words] = field(default_factory=dict)
    """Titles of the values of a choice."""

    @property
    def flag_name(self) -> str:
        """On the command line, without dashes."""
        return self.flag or self.name.replace("_", "-")

    def check(self, value: object) -> None:
        """Raise SettingOutOfRange for a value of the wrong type or range."""
        if not (self.optional and value is None) and not self.kind.fits(value):
            raise self._out_of_range(value)

    def from_text(self, text: str) -> Any:
        """The value that a text says. Raises SettingOutOfRange."""
        try:
            value = self.kind.from_text(text)
        except ValueError as error:
            raise self._out_of_range(text) from error
        self.check(value)
        return value

    def from_json(self, value: object) -> Any:
        """The value that a JSON value says; null is not one. Raises SettingOutOfRange."""
        value = self.kind.from_json(value)
        if value is None or not self.kind.fits(value):
            raise self._out_of_range(value)
        return value

    def json_schema(self) -> dict[str, Any]:
        """JSON schema; null counts as not given."""
        schema = self.kind.json_schema()
        described: dict[str, Any] = {**schema, "type": [schema["type"], "null"]}
        if "enum" in schema:
            described["enum"] = [*schema["enum"], None]
        if not self.optional:
            described["default"] = self.default
        return {**described, "description": self.help.en}

    def _out_of_range(self, value: object) -> SettingOutOfRange:
        if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
            value = f"{value[:_SHOWN_CHARACTERS]}… ({len(value)} characters)"
        return SettingOutOfRange(self.name, value, self.kind.wanted)


_METADATA = "option"


def _option(default: object = None, **definition: Any) -> Any:
    """A dataclass field with the definition of its option."""
    return field(default=default, metadata={_METADATA: Option(default=default, **definition)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """How the person moves and what is in the picture: what an engine reads.

    Checked once, never changed. Raises SettingOutOfRange.
    """

    template_id: str = _option(
        "normal",
        kind=Choice(TEMPLATES),
        title=Words("Movement", "动作风格"),
        help=Words(
            "How the person moves as a whole: calm (presenting), normal or active (singing).",
            "整体动作的活跃程度：平静（讲解）、自然或活泼（歌唱）。",
        ),
        value_titles={
            "calm": Words("Calm", "平静"),
            "normal": Words("Natural", "自然"),
            "active": Words("Lively", "活泼"),
        },
        control=Control(kind="choice"),
        original=True,
    )

    head_move_strength: float = _option(
        0.7,
        kind=Real(0, 1),
        title=Words("Head", "头部"),
        help=Words(
            "How far the head turns and nods. 0 keeps it still.", "转头和点头的幅度，0 为不动。"
        ),
        control=Control(kind="slider", step=0.05),
        original=True,
    )

    mouth_move_strength: float = _option(
        1.0,
        kind=Real(0, 1.5),
        title=Words("Mouth", "嘴部"),
        help=Words(
            "How wide the mouth opens. 1 is like the voice, 0 keeps it still.",
            "张嘴的幅度，1 与声音相符，0 为不动。",
        ),
        control=Control(kind="slider", step=0.05),
        original=True,
    )

    eye_move_freq: float = _option(
        0.5,
        kind=Real(0, 1),
        title=Words("Blinks", "眨眼"),
        help=Words(
            "Blinks per second. People blink about every two to four seconds.",
            "每秒眨眼次数。人大约两到四秒眨一次眼。",
        ),
        unit=Words("blinks/s", "次/秒"),
        control=Control(kind="slider", step=0.05),
        original=True,
    )

    paste_back: bool = _option(
        True,
        kind=Truth(),
        title=Words("Picture", "画面"),
        help=Words(
            "All of the photograph, or a square around the face.",
            "整张照片，或只取人脸周围的方形画面。",
        ),
        value_titles={True: Words("Whole", "整张"), False: Words("Face only", "仅人脸")},
        control=Control(kind="choice"),
        original=True,
    )

    video_fps: int = _option(
        24,
        kind=Whole(15, 30),
        title=Words("Frames per second", "帧率"),
        help=Words(
            "Frames per second. More is smoother and takes longer.",
            "每秒帧数。越高越流畅，用时也越长。",
        ),
        unit=Words("frames/s", "帧/秒"),
        control=Control(kind="slider", advanced=True),
        original=True,
    )

    expression: str = _option(
        "neutral",
        kind=Choice(EXPRESSIONS),
        title=Words("Expression", "表情"),
        help=Words(
            "The face that the person has on while speaking. neutral is the photograph's own.",
            "说话时带着的表情。中性即照片本身的表情。",
        ),
        value_titles={
            "neutral": Words("Neutral", "中性"),
            "happy": Words("Happy", "高兴"),
            "serious": Words("Serious", "严肃"),
            "sad": Words("Sad", "悲伤"),
            "surprised": Words("Surprised", "惊讶"),
        },
        control=Control(kind="choice"),
    )

    expression_strength: float = _option(
        0.7,
        kind=Real(0, 1),
        title=Words("Strength of the expression", "表情强度"),
        help=Words(
            "How much of the expression is shown. 0 shows none.", "表情的明显程度，0 为没有表情。"
        ),
        control=Control(kind="slider", step=0.05, advanced=True),
    )

    seed: int = _option(
        0,
        kind=Whole(0, MAX_SEED),
        title=Words("Seed", "随机种子"),
        help=Words(
            "Another number, another performance. The same number gives the same video.",
            "换一个数字，换一种表演；数字相同，视频相同。",
        ),
        control=Control(kind="number", random_below=1_000_000, advanced=True),
    )

    def __post_init__(self) -> None:
        for name, option in options_of(type(self)).items():
            option.check(getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions(Direction):
    """All that a caller may choose about a video.

    >>> from portravox import JobOptions
    >>> JobOptions(template_id="calm", video_fps=25).video_fps
    25
    >>> JobOptions(video_fps=3)
    Traceback (most recent call last):
    portravox.errors.SettingOutOfRange: ...
    """

    engine: str = _option(
        "embedded",
        kind=Text(
            wanted="the name of an engine",
            metavar="NAME",
            max_characters=32,
            pattern=_ENGINE_NAME,
        ),
        title=Words("Engine", "引擎"),
        help=Words(
            "What draws the frames. embedded needs no graphics card.",
            "绘制画面的引擎。embedded 不需要显卡。",
        ),
        value_titles={"embedded": Words("Embedded", "内置")},
        control=Control(kind="choice", advanced=True),
    )

    face: str | None = _option(
        kind=Text(
            wanted="a number from 1, or a point such as 0.7,0.4",
            metavar="N|X,Y",
            max_characters=20,
            pattern=_FACE,
        ),
        title=Words("Face", "人脸"),
        help=Words(
            "Who speaks, where there are several faces: 1 for the largest, 2 for the next, or a"
            " point on the face, as shares of the picture's width and height.",
            "有多张人脸时由谁说话：1 为最大的一张，2 为次大；"
            "也可写人脸上的一点，即占图片宽和高的比例。",
        ),
        optional=True,
        none=Words("The largest", "最大的一张"),
        control=Control(kind="picture"),
    )

    frame: str = _option(
        "original",
        kind=Choice(FRAMES),
        title=Words("Shape", "画幅"),
        help=Words(
            "Width to height of the video, around the person. Where the photograph does not reach,"
            " its background goes on out of focus.",
            "视频的宽高比，以人物为中心裁切；照片不够时，背景以虚化方式延伸。",
        ),
        value_titles={
            "original": Words("As it is", "与照片相同"),
            "1:1": Words("Square", "方形 1:1"),
            "9:16": Words("Upright 9:16", "竖屏 9:16"),
            "16:9": Words("Wide 16:9", "横屏 16:9"),
            "4:5": Words("Portrait 4:5", "竖幅 4:5"),
        },
        control=Control(kind="choice"),
    )

    background: str = _option(
        "keep",
        kind=Text(
            wanted="keep, blur, green, transparent, a colour such as #f4f1ea, or a picture",
            metavar="NAME|#RRGGBB|FILE",
            max_characters=_MAX_BACKGROUND,
            pattern=_BACKGROUND,
        ),
        title=Words("Background", "背景"),
        help=Words(
            "What stands behind the person: keep is the photograph's own; blur, green, a colour"
            " such as #f4f1ea, or a picture; transparent needs a .webm or .mov.",
            "人物身后的画面：keep 为照片原有的背景；也可以是虚化（blur）、绿幕（green）、"
            "#f4f1ea 这样的颜色，或一张图片；透明（transparent）须输出 .webm 或 .mov。",
        ),
        value_titles={
            "keep": Words("As it is", "原有背景"),
            "blur": Words("Blurred", "虚化"),
            "green": Words("Green screen", "绿幕"),
            "colour": Words("Colour", "颜色"),
            "picture": Words("Picture", "图片"),
        },
        control=Control(kind="background"),
    )

    max_side: int | None = _option(
        kind=Whole(64, 4096),
        title=Words("Size", "尺寸"),
        help=Words(
            "The longer side of the video; the picture is scaled down to it. Smaller is faster.",
            "视频长边的像素数，图片会缩小到这个尺寸。越小越快。",
        ),
        unit=Words("px", "像素"),
        optional=True,
        none=Words("As the photograph", "与照片相同"),
        control=Control(kind="select", suggestions=(2048, 1280, 720, 512), advanced=True),
    )

    quality: str = _option(
        "standard",
        kind=Choice(QUALITY_NAMES),
        title=Words("Encoding", "编码质量"),
        help=Words(
            "How closely the file keeps the picture: draft, standard or high."
            " High makes larger files and takes longer.",
            "文件保留画面细节的程度：草稿、标准或高。越高文件越大，用时也越长。",
        ),
        value_titles={
            "draft": Words("Draft", "草稿"),
            "standard": Words("Standard", "标准"),
            "high": Words("High", "高"),
        },
        control=Control(kind="choice", advanced=True),
    )

    visible_label: Literal["zh", "en"] | None = _option(
        kind=Choice(LABEL_LANGUAGES),
        title=Words("Visible AI label", "画面 AI 标识"),
        help=Words(
            "Write in the picture that it is AI-made, in Chinese (zh) or English (en)."
            " Some countries ask for it; the file itself always says so.",
            "在画面中显示 AI 生成标识，中文（zh）或英文（en）。有的国家要求显示；"
            "文件内部始终带有标识。",
        ),
        optional=True,
        none=Words("None", "不显示"),
        value_titles={"en": Words("English", "英文"), "zh": Words("Chinese", "中文")},
        control=Control(kind="choice", advanced=True),
    )

    label_place: Literal["bottom-right", "bottom-left", "top-right", "top-left"] = _option(
        "bottom-right",
        kind=Choice(LABEL_PLACES, word="CORNER"),
        title=Words("Place of the label", "标识位置"),
        help=Words(
            "The corner that has the visible label: bottom-right, bottom-left, top-right or"
            " top-left.",
            "画面 AI 标识所在的角落：右下、左下、右上或左上。",
        ),
        value_titles={
            "bottom-right": Words("Bottom right", "右下"),
            "bottom-left": Words("Bottom left", "左下"),
            "top-right": Words("Top right", "右上"),
            "top-left": Words("Top left", "左上"),
        },
        control=Control(kind="choice", advanced=True),
    )

    label_s: int | None = _option(
        kind=Whole(LEAST_LABEL_S, 3600),
        title=Words("Length of the label", "标识时长"),
        help=Words(
            "For how many seconds from the beginning the visible label is seen.",
            "从开头起，画面 AI 标识显示多少秒。",
        ),
        unit=Words("s", "秒"),
        optional=True,
        none=Words("The whole video", "整个视频"),
        control=Control(kind="select", suggestions=(2, 5, 10), advanced=True),
    )

    transcript: str | None = _option(
        kind=Text(
            wanted=f"words, at most {MAX_TRANSCRIPT_CHARACTERS} characters",
            metavar="TEXT",
            max_characters=MAX_TRANSCRIPT_CHARACTERS,
        ),
        title=Words("Transcript", "文字稿"),
        help=Words(
            "What is said in the recording: lips then shut more surely for p, b, m."
            " One that does not fit the voice is left out.",
            "录音中说的话：有了它，发 p、b、m 时双唇闭合更准确。与声音不符时不采用。",
        ),
        optional=True,
        none=Words("None", "无"),
        control=Control(kind="lines", advanced=True),
    )

    language: str | None = _option(
        kind=Text(
            wanted="a code like en, zh or pt-br",
            metavar="CODE",
            max_characters=32,
            pattern=_LANGUAGE_CODE,
        ),
        title=Words("Language of the transcript", "文字稿语言"),
        help=Words(
            "A code such as en, fr or pt-br, where the letters of the transcript do not tell.",
            "语言代码，如 en、fr、pt-br；仅当文字本身看不出语言时需要。",
        ),
        optional=True,
        none=Words("en for Latin letters", "拉丁字母默认为 en"),
        control=Control(kind="line", advanced=True),
    )

    captions: Literal["srt", "vtt", "burned"] | None = _option(
        kind=Choice(CAPTION_PLACES),
        title=Words("Captions", "字幕"),
        help=Words(
            "What is said, of a text or a transcript: in a file beside the video, SubRip (srt) or"
            " WebVTT (vtt), or in the picture (burned).",
            "把文字或文字稿做成字幕：放在视频旁的文件里（srt 或 vtt），或画在画面上（burned）。",
        ),
        optional=True,
        none=Words("Beside the video", "视频旁"),
        value_titles={
            "srt": Words("SubRip", "SubRip 文件"),
            "vtt": Words("WebVTT", "WebVTT 文件"),
            "burned": Words("In the picture", "画在画面上"),
        },
        control=Control(kind="choice", advanced=True, offered=("burned",)),
    )

    text: str | None = _option(
        kind=Text(
            wanted=f"words, at most {MAX_TEXT_CHARACTERS} characters",
            metavar="TEXT",
            max_characters=MAX_TEXT_CHARACTERS,
        ),
        title=Words("Text to speak", "要说的话"),
        help=Words(
            "What the person is to say, in place of a recording: a speech provider speaks it, and"
            " lips follow it as they do a transcript.",
            "不用录音，直接写要说的话，由语音合成服务读出；口型也参照这段文字。",
        ),
        optional=True,
        none=Words("A recording", "使用录音"),
        control=Control(kind="voice"),
    )

    voice_name: str | None = _option(
        kind=Text(
            wanted="the name of a voice: letters, digits and _ . + ( ) -",
            metavar="NAME",
            max_characters=64,
            pattern=_VOICE_NAME,
        ),
        title=Words("Voice", "音色"),
        help=Words(
            "Who speaks the text: a voice of the speech provider.",
            "由谁来读：语音合成服务中的音色名。",
        ),
        flag="voice",
        optional=True,
        none=Words("The provider's", "默认音色"),
        control=Control(kind="voice"),
    )

    def __post_init__(self) -> None:
        Direction.__post_init__(self)
        if self.text is None and self.voice_name is not None:
            raise SettingOutOfRange("voice_name", self.voice_name, "a text to go with it")

    @property
    def direction(self) -> Direction:
        """The part that an engine reads."""
        return Direction(**{name: getattr(self, name) for name in options_of(Direction)})

    @property
    def spoken_text(self) -> SpokenText | None:
        """What is said, where that is known. Raises SettingOutOfRange where it has no words."""
        return None if self.transcript is None else SpokenText(self.transcript, self.language)


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What is said in a recording, as the caller wrote it: the same for every engine.

    How the words sound is for an engine to find out. Raises SettingOutOfRange.

    >>> from portravox import SpokenText
    >>> said = SpokenText("Good morning.", "en")
    >>> said.text, said.language
    ('Good morning.', 'en')
    """

    text: str

    language: str | None
    """ISO 639 code; None where the text's script has to tell."""

    def __post_init__(self) -> None:
        OPTIONS["transcript"].check(self.text)
        OPTIONS["language"].check(self.language)
        if not any(character.isalnum() for character in self.text):
            raise SettingOutOfRange("transcript", self.text, "words")


BackgroundKind = Literal["keep", "blur", "colour", "transparent", "picture"]


def background_kind(background: str) -> BackgroundKind:
    """Which of its kinds a value of `background` is.

    >>> from portravox.options import background_kind
    >>> [background_kind(value) for value in ("blur", "green", "#102030", "wall.jpg")]
    ['blur', 'colour', 'colour', 'picture']
    """
    match background:
        case "keep" | "blur" | "transparent":
            return background
        case _ if background == "green" or _COLOUR.fullmatch(background):
            return "colour"
        case _:
            return "picture"


_ADDRESS = re.compile(r"(https?|oss)://[^/\s]", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text names a file that would have to be fetched."""
    return _ADDRESS.match(text) is not None


def background_colour(background: str) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of a `background` that is a colour."""
    digits = (GREEN if background == "green" else background).removeprefix("#")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def chosen(options: JobOptions) -> dict[str, Any]:
    """Those options that differ from their default, by name."""
    values = {name: getattr(options, name) for name in OPTIONS}
    return {name: value for name, value in values.items() if value != OPTIONS[name].default}


def as_parameters(options: JobOptions) -> dict[str, Any]:
    """The options as `parameters` of the HTTP API: all of the original's, ours where they differ
    from their default, so that a server of the original sees none that say nothing."""
    parameters = {name: getattr(options, name) for name in ORIGINAL}
    ours = {name: value for name, value in chosen(options).items() if name in OURS}
    return {**parameters, EXTENSION: ours} if ours else parameters


class OptionValues(TypedDict, total=False):
    """The options of `animate` as keyword arguments; a test holds them and the fields together."""

    template_id: str
    head_move_strength: float
    mouth_move_strength: float
    eye_move_freq: float
    paste_back: bool
    video_fps: int
    expression: str
    expression_strength: float
    seed: int
    face: str | None
    frame: str
    background: str
    max_side: int | None
    quality: str
    visible_label: Literal["zh", "en"] | None
    label_place: LabelPlace
    label_s: int | None
    transcript: str | None
    language: str | None
    captions: Literal["srt", "vtt", "burned"] | None
    text: str | None
    voice_name: str | None


def options_of(kind: type[Direction]) -> Mapping[str, Option]:
    """The definitions of a class of options, by name, in their order."""
    return _DEFINED.get(kind) or _defined(kind)


def _defined(kind: type[Direction]) -> Mapping[str, Option]:
    return MappingProxyType(
        {entry.name: replace(entry.metadata[_METADATA], name=entry.name) for entry in fields(kind)}
    )


_DEFINED: dict[type[Direction], Mapping[str, Option]] = {}
_DEFINED |= {kind: _defined(kind) for kind in (Direction, JobOptions)}

OPTIONS: Mapping[str, Option] = _DEFINED[JobOptions]
"""Every option, by its name."""

ORIGINAL: Mapping[str, Option] = MappingProxyType(
    {name: option for name, option in OPTIONS.items() if option.original}
)
OURS: Mapping[str, Option] = MappingProxyType(
    {name: option for name, option in OPTIONS.items() if not option.original}
)
"""Those of the DashScope contract, and those beyond it."""

FIXED_IN_SESSION = ("video_fps", "paste_back", "seed")
"""Of `Direction`: these stay as they were when a live session was opened."""

LIVE_OPTIONS = (
    *_DEFINED[Direction],
    *("face", "engine", "visible_label", "frame", "background", "max_side"),
)
"""Those of a live session, by name."""

CHANGEABLE_OPTIONS = tuple(name for name in _DEFINED[Direction] if name not in FIXED_IN_SESSION)
"""Those that may change while it runs."""
