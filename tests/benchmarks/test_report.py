import json

from benchmarks.machine import this_machine
from benchmarks.quality.chapter import Check, Part
from benchmarks.quality.report import number, write_report

PARTS = (
    Part(
        "lips",
        "Lips",
        "About <lips>.",
        ("video", "opening"),
        (("one", 0.1234), ("two", float("nan"))),
        (Check("opens", True), Check("shuts", False)),
        pictures=(("one", "sheets/one.png"),),
    ),
    Part("people", "People", "About people.", skipped="they are not there"),
)


def test_the_three_reports_say_the_same(tmp_path):
    write_report(tmp_path, this_machine(), PARTS)
    page = (tmp_path / "index.html").read_text()
    table = (tmp_path / "quality.md").read_text()
    facts = json.loads((tmp_path / "quality.json").read_text())
    assert "About &lt;lips&gt;." in page
    assert 'src="sheets/one.png"' in page
    assert "they are not there" in page and "they are not there" in table
    assert "| one | 0.12 |" in table and "**missed**: shuts" in table
    assert facts["parts"][0]["checks"][1] == {"text": "shuts", "met": False}


def test_numbers_have_as_few_digits_as_tell_something():
    assert [number(x) for x in (3.0, 0.01234, 1.234, 123.4, "–", float("nan"))] == [
        "3", "0.012", "1.23", "123.4", "–", "–",
    ]  # fmt: skip
