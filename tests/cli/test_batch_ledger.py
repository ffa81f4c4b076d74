"""The ledger knows what is finished, and is not fooled by what only looks so."""

from __future__ import annotations

import pytest

from portravox.cli.batch_ledger import NAME, Ledger, job_key
from portravox.errors import FileMissing, OutputNotWritable


@pytest.fixture
def finished(tmp_path):
    """A folder in which one video was made."""
    (tmp_path / "a.mp4").write_bytes(b"video")
    Ledger(tmp_path).record_done("a.mp4", "key", {"frames": 3})
    return tmp_path


def test_finished_is_known_to_the_next_run(finished):
    ledger = Ledger(finished)
    assert ledger.is_finished("a.mp4", "key")
    assert not ledger.is_finished("a.mp4", "another key")
    assert not ledger.is_finished("b.mp4", "key")
    assert not ledger.is_finished("a.mp4", "")


@pytest.mark.parametrize("damage", ["removed", "cut", "replaced"])
def test_a_video_that_is_not_as_written_is_made_again(finished, damage):
    video = finished / "a.mp4"
    video.unlink()
    if damage != "removed":
        video.write_bytes(b"vid" if damage == "cut" else b"other")
    assert not Ledger(finished).is_finished("a.mp4", "key")


def test_the_last_word_counts(finished):
    Ledger(finished).record_failed("a.mp4", "key", {"code": "x"})
    assert not Ledger(finished).is_finished("a.mp4", "key")


def test_a_line_cut_off_by_a_crash_does_no_harm(finished):
    path = finished / NAME
    path.write_bytes(path.read_bytes() + b'{"output": "b.mp4", "sta')
    (finished / "c.mp4").write_bytes(b"c")
    Ledger(finished).record_done("c.mp4", "key", {})
    ledger = Ledger(finished)
    assert ledger.is_finished("a.mp4", "key")
    assert ledger.is_finished("c.mp4", "key")


def test_the_key_follows_content_and_settings_and_not_names(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2"), ("v", b"v")):
        (tmp_path / name).write_bytes(content)
    a, b, c, v = (tmp_path / name for name in "abcv")
    key = job_key((a, v), {"seed": 1})
    assert job_key((b, v), {"seed": 1}) == key
    others = {
        job_key((c, v), {"seed": 1}),
        job_key((a, v), {"seed": 2}),
        job_key((v, a), {"seed": 1}),
    }
    assert len(others | {key}) == 4
    with pytest.raises(FileMissing):
        job_key((tmp_path / "none", v), {})


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputNotWritable):
        Ledger(tmp_path / "file" / "out")
