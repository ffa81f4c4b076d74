"""Previews: what a child drew last, and nothing else that it may want us to read."""

from __future__ import annotations

import os

from portravox.service.previews import MAX_BYTES, Previews


def test_a_task_is_shown_while_it_is_rendered(tmp_path):
    previews, file = Previews(), tmp_path / "preview.jpg"
    assert previews.read("a") is None
    with previews.showing("a", file):
        assert previews.read("a") is None
        file.write_bytes(b"one")
        assert previews.read("a") == b"one"
        file.write_bytes(b"two")
        assert previews.read("a") == b"two"
        assert previews.read("b") is None
    assert previews.read("a") is None


def test_a_child_cannot_make_us_read_what_it_likes(tmp_path):
    previews, file = Previews(), tmp_path / "preview.jpg"
    (tmp_path / "keys.json").write_text("secret")
    with previews.showing("a", file):
        file.symlink_to(tmp_path / "keys.json")
        assert previews.read("a") is None
        file.unlink()
        file.write_bytes(b"x" * (MAX_BYTES + 1))
        assert previews.read("a") is None
        file.unlink()
        os.mkfifo(file)  # reading it must not wait
        assert previews.read("a") is None
