import json

from benchmarks.articulation.tables import write_tables
from benchmarks.machine import this_machine
from benchmarks.quality.chapter import Check, Part

ENGLISH = Part(
    "wideband_16k",
    "Aligned English",
    "About.",
    ("figure", "goal", "ours"),
    (("closure F1", 0.8, 0.75), ("aperture median", float("nan"), 0.4)),
    (Check("closure F1", False),),
)
FACES = Part("faces", "Talking heads", "About.", skipped="not there")


def test_figures_are_found_by_their_names(tmp_path):
    write_tables(tmp_path, this_machine(), [ENGLISH])
    results = json.loads((tmp_path / "results.json").read_text())
    rows = results["wideband_16k"]["rows"]
    assert rows["closure F1"] == {"goal": 0.8, "ours": 0.75}
    assert rows["aperture median"]["goal"] is None
    assert results["wideband_16k"]["checks"] == [{"text": "closure F1", "met": False}]


def test_a_chapter_measured_alone_leaves_the_others(tmp_path):
    write_tables(tmp_path, this_machine(), [ENGLISH])
    write_tables(tmp_path, this_machine(), [FACES])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results.keys() == {"wideband_16k", "faces"}
    assert results["faces"]["skipped"] == "not there"
