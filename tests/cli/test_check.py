"""portravox check: a verdict, its reasons, and three exit statuses."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from portravox.demo import demo_portrait


def test_a_good_portrait_passes_with_its_face_measured(run):
    told = run("check", demo_portrait(), "--json")
    assert told.status == 0
    answer = told.json
    assert (answer["pass"], answer["code"], answer["hint"]) == (True, "ok", "")
    (face,) = answer["faces"]
    x0, y0, x1, y1 = face["box"]
    assert 0 < x0 < x1 < 512
    assert 0 < y0 < y1 < 512
    assert abs(face["yaw_deg"]) < 30
    assert face["lips"] == "teeth"  # she smiles


def test_in_words(run):
    told = run("check", demo_portrait())
    assert told.status == 0
    assert told.out.startswith("yes: ")
    assert "face 1: " in told.out
    assert "lips teeth" in told.out


def test_a_picture_without_a_face_gives_1_and_says_what_to_do(run, tmp_path):
    grey = tmp_path / "grey.png"
    Image.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(grey)
    told = run("check", grey)
    assert told.status == 1
    assert told.out.startswith("no: no face found")
    assert told.err.startswith("hint: ")
    answer = run("check", grey, "--json").json
    assert (answer["pass"], answer["code"], answer["faces"]) == (False, "no_face_found", [])


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "picture_unreadable"), (b"just words\n", "picture_unsupported")]
)
def test_a_file_that_is_no_picture_gives_2(run, tmp_path, content, code):
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    told = run("check", path, "--json")
    assert told.status == 2
    assert (told.json["pass"], told.json["code"]) == (False, code)
    assert told.err.startswith("error: ")
