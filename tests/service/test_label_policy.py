"""Whose videos carry a visible label, and what is written down of the others."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.errors import StorageFailed
from portravox.service.label_policy import Labelling
from portravox.service.settings import read_settings
from portravox.service.tasks.rows import new_task
from portravox.service.tasks.task import Job, Task

AGREED = {"3": "Studio X, contract of 2026-10-01"}


def job(**parameters: str) -> Job:
    return Job(
        model="liveportrait",
        image_url="https://h/a.png",
        audio_url="https://h/a.wav",
        parameters=parameters,
        resolve_oss=False,
    )


def task(of: Job, key_id: str = "3") -> Task:
    return new_task(of, key_id=key_id, key_group="default", request_id="r", submitted_at=0.0)


@pytest.mark.parametrize(
    ("policy", "asked", "key_id", "label"),
    [
        ("asked", {}, "1", None),
        ("asked", {"visible_label": "zh"}, "1", "zh"),
        ("en", {}, "1", "en"),
        ("zh", {}, "2", "zh"),
        ("zh", {"visible_label": "en"}, "1", "en"),  # the language is the task's to choose
        ("zh", {}, "3", None),
        ("zh", {"visible_label": "en"}, "3", "en"),
    ],
)
def test_the_label_is_there_unless_a_key_has_an_agreement(policy, asked, key_id, label) -> None:
    labelling = Labelling(policy=policy, agreements=AGREED)
    done = labelling.of_job(job(**asked), key_id)
    assert done.parameters.get("visible_label") == label
    assert labelling.needs_record(task(done, key_id)) == (policy != "asked" and label is None)


@pytest.mark.parametrize(
    ("decided", "asked", "followed"),
    [
        ({}, {"label_place": "top-left", "label_s": 3}, None),  # of no label
        (
            {"place": "top-right"},
            {"visible_label": "en", "label_place": "top-left", "label_s": 3},
            {"visible_label": "en", "label_place": "top-right", "label_s": 3},
        ),
        # The label is the operator's: a task does not make it shorter.
        (
            {"policy": "zh"},
            {"visible_label": "en", "label_s": 3},
            {"visible_label": "en"},
        ),
        (
            {"policy": "zh", "place": "top-left", "lasts_s": 5},
            {"label_s": 3},
            {"visible_label": "zh", "label_place": "top-left", "label_s": 5},
        ),
    ],
)
def test_the_operator_decides_on_place_and_length(decided, asked, followed) -> None:
    labelling = Labelling(**decided)
    assert labelling.of_parameters(asked, "1") == (asked if followed is None else followed)


def test_who_gets_one_without_is_written_down_for_the_operator_alone(tmp_path: Path) -> None:
    labelling = Labelling(policy="zh", agreements=AGREED, record=tmp_path / "unlabelled.jsonl")
    ids = []
    for _ in range(2):
        made = task(labelling.of_job(job(), "3"))
        labelling.write_down(made)
        ids.append(made.task_id)
    lines = [json.loads(line) for line in labelling.record.read_text().splitlines()]
    assert [line["task_id"] for line in lines] == ids
    assert {line["agreement"] for line in lines} == {AGREED["3"]}
    assert lines[0]["key_id"] == "3" and lines[0]["time"] == "1970-01-01T00:00:00+00:00"
    assert stat.S_IMODE(labelling.record.stat().st_mode) == 0o600


def test_what_cannot_be_written_down_is_an_error(tmp_path: Path) -> None:
    labelling = Labelling(policy="zh", agreements=AGREED, record=tmp_path / "gone" / "record")
    with pytest.raises(StorageFailed, match="record: No such file"):
        labelling.write_down(task(job()))


def test_agreements_come_from_a_file_or_the_environment(tmp_path, monkeypatch) -> None:
    config = tmp_path / "portravox.toml"
    config.write_text('visible_label = "zh"\n[unlabelled_keys]\n3 = "Studio X, 2026-10-01"\n')
    labelling = read_settings(config=config).labelling
    assert (labelling.policy, labelling.agreements) == ("zh", {"3": "Studio X, 2026-10-01"})
    monkeypatch.setenv("PORTRAVOX_UNLABELLED_KEYS", '{"4": "Y"}')
    assert read_settings(config=config).labelling.agreements["4"] == "Y"
    monkeypatch.setenv("PORTRAVOX_UNLABELLED_KEYS", '{"4": " "}')
    with pytest.raises(SettingOutOfRange, match="unlabelled_keys"):
        read_settings(config=config)
