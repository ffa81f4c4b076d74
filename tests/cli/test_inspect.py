"""portravox inspect: what a file says of itself, in words and JSON, by exit status."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image, PngImagePlugin

from portravox.demo import demo_portrait
from tests.live import files_at

LABEL = {"Label": "1", "ContentProducer": "someone", "ProduceID": "42"}


def test_a_label_is_told_in_words_and_json(run, tmp_path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("AIGC", json.dumps(LABEL))
    path = tmp_path / "made.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path, pnginfo=texts)
    told = run("inspect", path)
    assert told.status == 0
    assert told.out.startswith("PNG: it says that it was made by a machine\n")
    assert "an AIGC label: generated, by someone" in told.out
    assert "ProduceID: 42" in told.out
    answer = run("inspect", path, "--json").json
    assert answer["says_machine_made"] is True
    assert answer["marks"][0]["fields"] == LABEL


def test_no_label_gives_1_and_no_file_2(run, tmp_path):
    assert run("inspect", demo_portrait()).status == 1
    told = run("inspect", tmp_path / "gone.mp4")
    assert told.status == 2
    assert told.err.startswith("error: ")


def test_an_address_is_fetched(run):
    with files_at(demo_portrait().parent) as address:
        told = run("inspect", f"{address}/{demo_portrait().name}")
    assert (told.status, told.out.split(":")[0]) == (1, "PNG")
