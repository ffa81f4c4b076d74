"""Whoever adds an option to the definition finds it in every way in, without writing it there."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

import portravox
from handbook import http_api, options
from portravox.cli.batch_list import Row, read_list
from portravox.errors import SettingOutOfRange
from portravox.options import EXTENSION, OPTIONS, JobOptions, Option, as_parameters, chosen
from portravox.pipeline import ENGINES
from portravox.service.bodies import body_schemas
from portravox.service.option_controls import option_controls
from portravox.service.schemas import CallMode, video_job
from portravox.synthesis.settings import SpeechSettings


def another(option: Option) -> Any:
    """A value of an option that is not its default."""
    schema = option.kind.json_schema()
    if option.name == "engine":
        return option.default
    if option.name == "background":
        return "blur"
    if "enum" in schema:
        return next(value for value in schema["enum"] if value != option.default)
    match schema["type"]:
        case "boolean":
            return not option.default
        case "integer" | "number":
            return schema["maximum"]
        case _:
            return next(text for text in ("en", "2") if _is_taken(option, text))


def _is_taken(option: Option, text: str) -> bool:
    try:
        option.from_json(text)
    except SettingOutOfRange:
        return False
    return True


CHOSEN = {name: another(option) for name, option in OPTIONS.items()}
OURS = {name: value for name, value in CHOSEN.items() if not OPTIONS[name].original}
PARAMETERS = {name: value for name, value in CHOSEN.items() if OPTIONS[name].original}


def test_python_takes_each_as_a_keyword() -> None:
    assert JobOptions(**CHOSEN) != JobOptions()
    assert set(OPTIONS) <= set(inspect.signature(portravox.animate).parameters)
    assert set(chosen(JobOptions(**CHOSEN))) == set(OPTIONS) - {"engine"}


@pytest.mark.parametrize("written", ["csv", "json", "json-texts"])
def test_a_batch_list_takes_each_as_a_column(tmp_path: Path, written: str) -> None:
    cells = {"portrait": "a", **CHOSEN}  # the text is the voice
    texts = {name: str(value) for name, value in cells.items()}
    path = tmp_path / "list"
    if written == "csv":
        path.write_text(",".join(texts) + "\n" + ",".join(texts.values()) + "\n")
    else:
        path.write_text(json.dumps(cells if written == "json" else texts) + "\n")
    (row,) = read_list(path)
    assert isinstance(row, Row)
    assert row.settings == CHOSEN


def test_http_takes_each_in_its_place_and_the_client_puts_it_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name)
    sent = as_parameters(JobOptions(**CHOSEN))
    ours = {name: value for name, value in OURS.items() if name != "engine"}
    assert sent == {**PARAMETERS, EXTENSION: ours}
    body: dict[str, Any] = {
        "model": "liveportrait",
        "input": {"image_url": "http://h/p"},  # the text is the voice
        "parameters": {**PARAMETERS, EXTENSION: OURS},
    }
    speech = SpeechSettings(provider="espeak-ng")
    job = video_job(body, CallMode(asynchronous=True, resolve_oss=False), speech=speech)
    assert job.parameters == CHOSEN


def test_the_document_of_the_http_api_describes_each() -> None:
    parameters = body_schemas()["Submit"]["properties"]["parameters"]["properties"]
    described = {**parameters, **parameters.pop(EXTENSION)["properties"]}
    assert set(described) - {EXTENSION} == set(OPTIONS)
    for name, option in OPTIONS.items():
        schema = option.kind.json_schema()
        for limit in ("minimum", "maximum", "maxLength", "pattern"):
            assert described[name].get(limit) == schema.get(limit)
        assert described[name].get("default") == option.default
        assert described[name]["description"] == option.help.en
    assert described["engine"]["enum"] == [*ENGINES, None]


def test_the_studio_offers_each_of_which_there_is_something_to_choose() -> None:
    offered: list[Any] = option_controls(ENGINES)
    assert [control["name"] for control in offered] == [
        name for name in OPTIONS if name != "engine" or len(ENGINES) > 1
    ]


def test_the_reference_lists_each() -> None:
    for section in (options.section(), http_api.section()):
        for name, option in OPTIONS.items():
            assert f"{name}`" in section
            assert option.help.en in section
