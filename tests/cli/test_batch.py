"""portravox batch: bad rows stop nothing, finished ones are not made again."""

from __future__ import annotations

import json

import numpy as np
import pytest

import portravox.pipeline
from portravox.cli.batch import LastAvatar
from portravox.media.picture import Picture

QUICK = ("--max-side", "160", "--video-fps", "15", "--quality", "draft")

LIST = """portrait,voice,output,video_fps
face.png,voice.wav,one,
face.png,voice.wav,two,99
none.png,voice.wav,three,
face.png,voice.wav,../four,
face.png,voice.wav,five,20
"""


@pytest.fixture
def jobs(folder):
    path = folder / "jobs.csv"
    path.write_text(LIST)
    return path


def test_bad_rows_stop_nothing_and_a_second_run_goes_on(run, jobs, folder):
    out = folder / "out"
    first = run("batch", jobs, "-o", out, *QUICK, "--json")
    assert first.status == 2  # whoever wrote the list can mend every row that failed
    assert (first.json["done"], first.json["skipped"], first.json["failed"]) == (2, 0, 3)
    rows = {row["row"]: row for row in first.json["rows"]}
    assert [rows[number].get("code") for number in (2, 3, 4)] == [
        "setting_out_of_range",
        "file_missing",
        "output_not_writable",
    ]
    assert sorted(path.name for path in out.iterdir()) == ["five.mp4", "one.mp4", "results.jsonl"]
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [entry["status"] for entry in results] == ["done", "failed", "failed", "done"]
    assert results[0]["result"]["fps"] == 15
    assert results[3]["result"]["fps"] == 20

    (out / "five.mp4").write_bytes(b"cut off")
    second = run("batch", jobs, "-o", out, *QUICK)
    assert second.status == 2
    assert "1 made, 1 finished before, 3 failed" in second.out
    assert (out / "five.mp4").stat().st_size > 1000

    other = run("batch", jobs, "-o", out, *QUICK, "--seed", "5", "--json")
    assert other.json["done"] == 2, "other settings are another video"


def test_force_makes_all_again(run, folder):
    jobs = folder / "jobs.jsonl"
    jobs.write_text('{"portrait": "face.png", "voice": "voice.wav"}\n')
    for force, done in (((), 1), ((), 0), (("--force",), 1)):
        told = run("batch", jobs, "-o", folder / "out", *QUICK, "--json", *force)
        assert told.status == 0
        assert told.json["done"] == done


def test_our_own_failure_gives_1_and_the_rest_is_made(run, jobs, folder, monkeypatch):
    really = portravox.pipeline.animate
    calls = []

    def sometimes(*args, **kwargs):
        calls.append(args)
        if len(calls) == 1:
            raise RuntimeError("nobody foresaw it")
        return really(*args, **kwargs)

    monkeypatch.setattr(portravox.pipeline, "animate", sometimes)
    told = run("batch", jobs, "-o", folder / "out", *QUICK, "--json")
    assert told.status == 1
    assert told.json["done"] == 1
    assert "nobody foresaw it" in told.json["rows"][0]["message"]
    assert "Traceback" not in told.err


def test_ctrl_c_says_that_it_can_go_on(run, jobs, folder, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(portravox.pipeline, "animate", interrupt)
    told = run("batch", jobs, "-o", folder / "out", *QUICK)
    assert told.status == 130
    assert "0 of 5 rows handled; the same command goes on" in told.err


def test_a_list_that_makes_no_sense_gives_2(run, folder):
    told = run("batch", folder / "none.csv", "-o", folder / "out")
    assert told.status == 2
    assert not (folder / "out").exists()


class Counting:
    """An engine that counts whom it was shown."""

    name = "counting"

    def __init__(self):
        self.shown = 0

    def register(self, portrait, *, face=None):
        self.shown += 1
        return object()


def test_the_same_person_is_prepared_once():
    engine = Counting()
    last = LastAvatar(engine)
    one, other = (Picture(np.full((4, 4, 3), value, np.uint8)) for value in (1, 2))
    again = Picture(one.pixels.copy())
    assert last.register(one) is last.register(again)
    assert engine.shown == 1
    last.register(other)
    last.register(one)
    assert engine.shown == 3
    assert last.name == "counting"


def test_what_is_wrong_for_every_row_is_said_before_any_is_made(run, jobs, folder):
    told = run("batch", jobs, "-o", folder / "out", "--video-fps", "99")
    assert (told.status, told.out) == (2, "")
    assert "video_fps=99 is out of range" in told.err
    assert not (folder / "out").exists()


def test_a_transcript_for_all_rows_reaches_each_of_them_and_a_row_may_have_its_own(
    run, folder, monkeypatch
):
    asked = []

    def refused(*args, **options):
        asked.append((options["transcript"], options["language"], options["video_fps"]))
        raise portravox.errors.NoFaceFound("none here")

    monkeypatch.setattr(portravox.pipeline, "animate", refused)
    jobs = folder / "words.csv"
    jobs.write_text(
        "portrait,voice,transcript,video-fps\nface.png,voice.wav,,\nface.png,voice.wav,own,20\n"
    )
    said = ("--transcript", "for all", "--language", "fr")
    assert run("batch", jobs, "-o", folder / "out", *said).status == 2
    assert asked == [("for all", "fr", 24), ("own", "fr", 20)]
