"""Progress: lines that can be read in a log, and an honest estimate of what remains."""

from __future__ import annotations

import pytest

from portravox.cli.progress import Pace, shown_progress
from portravox.pipeline import Progress


def job(frames):
    """What the pipeline tells about a job of so many frames."""
    yield Progress("read", 0.0, 0, 0)
    yield Progress("face", 0.02, 0, frames)
    yield Progress("listen", 0.06, 0, frames)
    for done in range(1, frames + 1):
        yield Progress("render", 0.08 + 0.9 * done / frames, done, frames)
    yield Progress("finish", 0.98, frames, frames)
    yield Progress("finish", 1.0, frames, frames)


def test_at_a_steady_pace_the_estimate_is_exact():
    now_s = 0.0
    pace = Pace(clock=lambda: now_s)
    estimates = {}
    for progress in job(50):
        now_s += 5.0 if progress.frames_done == 1 else 0.2  # the first frame compiles
        estimates[progress.frames_done] = pace.remaining_s(progress)
    assert estimates[0] is None
    assert estimates[1] is None
    for done in range(2, 51):
        assert estimates[done] == pytest.approx(0.2 * (50 - done))


def test_a_log_gets_a_line_each_stage_and_each_tenth_whatever_the_length(capsys):
    for frames in (24, 4500):
        with shown_progress("[1/2] ") as show:
            for progress in job(frames):
                show(progress)
        shown = capsys.readouterr()
        lines = shown.err.splitlines()
        assert shown.out == ""
        assert 12 <= len(lines) <= 16
        assert all(line.startswith("[1/2] ") for line in lines)
        assert lines[0].endswith("0% reading the files")
        assert lines[-1].endswith("100% done")


def test_a_terminal_gets_a_bar_that_disappears(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with shown_progress() as show:
        for progress in job(10):
            show(progress)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "finishing the file" in shown.err
    assert "100%" in shown.err
