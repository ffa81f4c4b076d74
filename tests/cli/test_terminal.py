"""What is printed can't break a line or a terminal."""

from __future__ import annotations

import json

from portravox.cli.terminal import give, give_json, tell, tell_error


def test_an_error_is_one_line_and_a_hint_is_another(capsys):
    tell_error("first\nsecond", "do this")
    tell_error("alone")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: first\\nsecond\nhint: do this\nerror: alone\n"


def test_escape_codes_in_file_names_are_shown_and_not_obeyed(capsys):
    give("a\x1b[2Jb\udcff.mp4")
    tell("ä中")
    shown = capsys.readouterr()
    assert shown.out == "a\\x1b[2Jb\\udcff.mp4\n"
    assert shown.err == "ä中\n"


def test_json_is_one_line_of_ascii_that_reads_back(capsys):
    result = {"path": "视频\n\udcff.mp4", "frames": 3}
    give_json(result)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.isascii()
    assert json.loads(line) == result
