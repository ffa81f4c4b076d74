"""Compiled code finds a place to be kept, and never one that others can write to."""

from __future__ import annotations

import os
import stat
import tempfile

import pytest

from portravox import compiled_code
from portravox.compiled_code import VARIABLE, can_be_written, keep_compiled_code


@pytest.fixture
def read_only(tmp_path, monkeypatch):
    """A machine on which neither the package nor the home can be written."""
    blocked = tmp_path / "file"
    blocked.touch()  # even root can't make a folder inside a file
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(compiled_code, "_beside_the_renderer", lambda: blocked / "package")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # monkeypatch notes what was there before, so that what the call sets is undone
    monkeypatch.setenv(VARIABLE, "")


def test_usually_it_stays_beside_the_modules(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert keep_compiled_code().parent.name == "render"
    assert VARIABLE not in os.environ


def test_a_place_the_user_names_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert keep_compiled_code() == tmp_path / "mine"
    assert can_be_written(tmp_path / "mine")


@pytest.mark.usefixtures("read_only")
def test_a_read_only_machine_gets_a_private_folder_and_keeps_it():
    folder = keep_compiled_code()
    assert os.environ[VARIABLE] == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    os.environ[VARIABLE] = ""
    assert keep_compiled_code() == folder


@pytest.mark.usefixtures("read_only")
def test_a_folder_that_others_can_write_is_not_trusted(tmp_path):
    trap = tmp_path / f"portravox-{os.getuid()}"
    trap.mkdir()
    trap.chmod(0o777)
    folder = keep_compiled_code()
    assert folder != trap
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
