"""Compiled code finds a place to be kept, and never one that others can write to."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile

import pytest

from portravox import compiled_code
from portravox.compiled_code import (
    VARIABLE,
    can_be_written,
    copy_compiled_code,
    keep_code_compiled_in,
    keep_compiled_code,
)


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


COMPILE = """
import numpy as np
from portravox.media import yuv
half = np.zeros((2, 2), np.uint8)
yuv.rgb_to_yuv420(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), half, half.copy())
"""


def files_of(folder):
    return {file.name: file.stat().st_mtime_ns for file in folder.rglob("*.nb?")}


def test_a_process_finds_its_copy_and_what_it_adds_is_kept(monkeypatch, tmp_path):
    """numba itself is asked, since how it names folders is no promise of its."""
    kept, copy, later = (tmp_path / name for name in ("kept", "copy", "later"))
    monkeypatch.setenv(VARIABLE, str(kept))
    copy_compiled_code(copy)
    assert files_of(copy) == {}
    environment = {**os.environ, VARIABLE: str(copy)}
    subprocess.run([sys.executable, "-c", COMPILE], env=environment, check=True)
    made = files_of(copy)
    assert made
    assert keep_code_compiled_in(copy) == len(made)
    assert keep_code_compiled_in(copy) == 0
    copy_compiled_code(later)
    assert files_of(later) == made
    environment[VARIABLE] = str(later)
    subprocess.run([sys.executable, "-c", COMPILE], env=environment, check=True)
    assert files_of(later) == made  # nothing was compiled anew
    assert not any(file.stat().st_nlink > 1 for file in later.rglob("*.nb?"))


def test_code_beside_the_modules_is_copied_to_where_numba_looks(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    environment = dict(os.environ)
    subprocess.run([sys.executable, "-c", COMPILE], env=environment, check=True)
    copy_compiled_code(tmp_path)
    copied = files_of(tmp_path)
    environment[VARIABLE] = str(tmp_path)
    subprocess.run([sys.executable, "-c", COMPILE], env=environment, check=True)
    assert files_of(tmp_path) == copied
