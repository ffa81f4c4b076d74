"""One definition of each option: what fits is taken, all else is refused by its name."""

from __future__ import annotations

import math
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portravox.errors import SettingOutOfRange
from portravox.media.encode import QUALITIES
from portravox.options import (
    MAX_TRANSCRIPT_CHARACTERS,
    OPTIONS,
    ORIGINAL,
    OURS,
    QUALITY_NAMES,
    Choice,
    Direction,
    JobOptions,
    OptionValues,
    Real,
    Text,
    Truth,
    Whole,
    Words,
    options_of,
)

WRONG_FOR_ALL: list[Any] = [[], {}, [1], {"a": 1}, b"1", object()]
HOSTILE: list[Any] = [
    *WRONG_FOR_ALL,
    math.nan,
    math.inf,
    -math.inf,
    -1,
    10**4000,
    -(10**4000),
    1e308,
    True,
    "",
    "x" * 1_000_000,
    "\0",
]


def test_the_names_ranges_and_defaults_of_the_original_are_those_of_its_contract() -> None:
    assert {name: (option.kind, option.default) for name, option in ORIGINAL.items()} == {
        "template_id": (Choice(("calm", "normal", "active")), "normal"),
        "eye_move_freq": (Real(0, 1), 0.5),
        "video_fps": (Whole(15, 30), 24),
        "mouth_move_strength": (Real(0, 1.5), 1),
        "paste_back": (Truth(), True),
        "head_move_strength": (Real(0, 1), 0.7),
    }
    assert not any(option.optional for option in ORIGINAL.values())
    assert dict(OPTIONS) == {**ORIGINAL, **OURS}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_fits_its_own_definition_and_is_what_the_options_have(name: str) -> None:
    option = OPTIONS[name]
    option.check(option.default)
    assert getattr(JobOptions(), name) == option.default
    assert (option.default is None) == option.optional == (option.none is not None)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(type(value))[8:-2])
def test_a_value_that_does_not_fit_is_refused_by_its_name_and_shortly(
    name: str, value: Any
) -> None:
    option = OPTIONS[name]
    if option.kind.fits(value):
        assert (name, type(value)) in {
            ("eye_move_freq", float),
            ("paste_back", bool),
            ("transcript", str),
            ("text", str),
            ("background", str),
        }
        return
    for check in (option.check, option.from_json, lambda v: JobOptions(**{name: v})):
        with pytest.raises(SettingOutOfRange) as refused:
            check(value)  # type: ignore[operator]
        assert refused.value.name == name
        assert option.kind.wanted in refused.value.wanted


def test_a_huge_text_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        JobOptions(transcript="word " * MAX_TRANSCRIPT_CHARACTERS)
    assert len(str(refused.value)) < 300
    JobOptions(transcript="w" * MAX_TRANSCRIPT_CHARACTERS)


@pytest.mark.parametrize("code", ["en", "zh", "pt-br", "PT-BR", "cmn-hans-cn"])
def test_a_code_of_a_language_is_taken(code: str) -> None:
    assert JobOptions(language=code).language == code


@pytest.mark.parametrize("code", ["-x", "en;rm", "english words", "e", "en\n", "../en", "--pho"])
def test_what_is_no_code_of_a_language_never_reaches_a_program(code: str) -> None:
    with pytest.raises(SettingOutOfRange):
        JobOptions(language=code)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("video_fps", "25", 25),
        ("video_fps", "25.0", 25),
        ("video_fps", " 25 ", 25),
        ("eye_move_freq", "0", 0.0),
        ("mouth_move_strength", "1.5", 1.5),
        ("paste_back", "no", False),
        ("paste_back", "TRUE", True),
        ("template_id", "calm", "calm"),
        ("max_side", "64", 64),
        ("seed", "9007199254740991", 2**53 - 1),
        ("transcript", "12", "12"),
    ],
)
def test_a_text_says_a_value(name: str, text: str, value: object) -> None:
    said = OPTIONS[name].from_text(text)
    assert said == value
    assert type(said) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("video_fps", "25.5"),
        ("video_fps", "many"),
        ("video_fps", "1e999"),
        ("video_fps", "9" * 5000),
        ("eye_move_freq", "nan"),
        ("eye_move_freq", "1.01"),
        ("paste_back", "maybe"),
        ("template_id", "wild"),
        ("max_side", ""),
        ("visible_label", "none"),
    ],
)
def test_a_text_that_says_none_is_refused(name: str, text: str) -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        OPTIONS[name].from_text(text)
    assert refused.value.name == name


def test_json_may_write_whole_numbers_with_a_point_and_nothing_as_a_text() -> None:
    assert type(OPTIONS["video_fps"].from_json(24.0)) is int
    for name, value in {"video_fps": "24", "paste_back": 1, "paste_back ": "yes"}.items():
        with pytest.raises(SettingOutOfRange):
            OPTIONS[name.strip()].from_json(value)


@given(
    st.sampled_from(sorted(OPTIONS)),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists),
)
def test_whatever_json_says_is_a_value_that_fits_or_a_refusal(name: str, value: Any) -> None:
    try:
        said = OPTIONS[name].from_json(value)
    except SettingOutOfRange as refused:
        assert refused.name == name
    else:
        JobOptions(**{"text": "Hi", name: said})  # whose voice may be named


def test_an_engine_reads_the_direction_alone() -> None:
    options = JobOptions(seed=7, template_id="calm", transcript="words")
    assert options.direction == Direction(seed=7, template_id="calm")
    assert type(options.direction) is Direction
    assert set(options_of(Direction)) < set(OPTIONS)


def test_every_option_is_a_keyword_of_animate_with_its_type() -> None:
    hints = get_type_hints(JobOptions)
    wanted = {name: hints[name] for name in OPTIONS if name != "engine"}
    assert get_type_hints(OptionValues) == wanted


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_described_in_both_languages_of_the_studio(name: str) -> None:
    option = OPTIONS[name]
    values = option.kind.json_schema().get("enum", [True, False] if option.default is True else [])
    texts = [option.title, option.help, *(option.value_titles[value] for value in values)]
    for text in texts + ([option.none] if option.none else []):
        assert isinstance(text, Words)
        assert text.en.strip()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh)
    assert option.help.en.endswith(".")


def test_a_control_of_the_studio_offers_only_what_fits() -> None:
    for option in OPTIONS.values():
        control, kind = option.control, option.kind
        for value in control.suggestions:
            option.check(value)
        match control.kind:
            case "slider":
                assert isinstance(kind, Real | Whole)
                steps = (kind.high - kind.low) / control.step
                assert steps == pytest.approx(round(steps))
            case "choice":
                assert option.value_titles
            case "number" | "select":
                assert isinstance(kind, Whole)
            case _:
                assert isinstance(kind, Text)


def test_every_quality_is_one_of_the_encoder() -> None:
    assert tuple(QUALITIES) == QUALITY_NAMES
