"""The entry in the metadata has the fields of the standard and is read back."""

from __future__ import annotations

import json

import pytest

import portravox
from portravox.errors import SettingOutOfRange
from portravox.labels.aigc import MAX_PRODUCER, AiLabel, content_id, read_aigc


def test_the_entry_has_the_fields_of_the_standard_in_order() -> None:
    entry = json.loads(AiLabel(producer="某公司", content_id="42").metadata()["AIGC"])
    assert list(entry) == [
        "Label",
        "ContentProducer",
        "ProduceID",
        "ReservedCode1",
        "ContentPropagator",
        "PropagateID",
        "ReservedCode2",
    ]
    assert entry["Label"] == "1"
    assert entry["ContentProducer"] == "某公司"
    assert entry["ProduceID"] == "42"


def test_the_comment_says_it_in_words() -> None:
    comment = AiLabel().metadata()["comment"]
    assert "AI-generated" in comment and portravox.__version__ in comment


def test_what_is_written_is_read_back() -> None:
    label = AiLabel(producer="a", content_id="b", propagator='c"\\', propagate_id="d")
    entry = read_aigc(label.metadata())
    assert entry is not None
    assert (entry["ContentPropagator"], entry["PropagateID"]) == ('c"\\', "d")


@pytest.mark.parametrize("metadata", [{}, {"AIGC": ""}, {"AIGC": "no json"}, {"AIGC": "[1]"}])
def test_other_metadata_has_no_label(metadata: dict[str, str]) -> None:
    assert read_aigc(metadata) is None


def test_content_ids_depend_on_every_part_and_its_borders() -> None:
    ids = {content_id(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"ab", b"d"))}
    assert len(ids) == 4
    assert content_id(b"ab", b"c") == content_id(b"ab", b"c")
    assert all(len(i) == 32 for i in ids)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * (MAX_PRODUCER + 1)])
def test_a_producer_has_a_name(name: str) -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        AiLabel(producer=name)
    assert refused.value.name == "producer"
