"""portravox animate, from options to one line of JSON."""

from __future__ import annotations

import pytest

from benchmarks.probe import probe_video
from portravox import __version__


def test_json_is_one_line_with_all_that_is_known(run, inputs, tmp_path):
    video = tmp_path / "out.mp4"
    told = run(
        "animate", inputs / "face.png", inputs / "voice.wav", "-o", video, "--json",
        "--template-id", "calm", "--eye-move-freq", "0.3", "--video-fps", "15",
        "--mouth-move-strength", "1.2", "--head-move-strength", "0.5", "--seed", "7",
        "--engine", "embedded", "--max-side", "160", "--quality", "draft",
        "--visible-label", "en",
    )  # fmt: skip
    assert told.status == 0, told.err
    answer = told.json
    assert answer["path"] == str(video)
    assert (answer["width"], answer["height"]) == (160, 160)
    assert answer["fps"] == 15
    assert answer["frames"] == 18  # 1.2 s
    assert answer["duration_s"] == pytest.approx(1.2)
    assert answer["real_time_factor"] == pytest.approx(answer["wall_s"] / 1.2, rel=1e-3)
    assert (answer["engine"], answer["version"]) == ("embedded", __version__)
    assert any("scaled down" in notice for notice in answer["notices"])
    info = probe_video(video)
    assert (info.frames, info.width_px, info.height_px) == (18, 160, 160)


def test_without_json_stdout_is_the_path_and_progress_is_on_stderr(run, inputs, tmp_path):
    video = tmp_path / "out.mp4"
    told = run("animate", inputs / "face.png", inputs / "voice.wav", "-o", video, "--no-paste-back")
    assert told.status == 0, told.err
    assert told.out == f"{video}\n"
    for words in ("finding the face", "rendering", "100% done", "512 x 512"):
        assert words in told.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--template-id", "wild"),
        ("--eye-move-freq", "1.1"),
        ("--eye-move-freq", "nan"),
        ("--video-fps", "14"),
        ("--mouth-move-strength", "-0.1"),
        ("--head-move-strength", "2"),
        ("--seed", "-1"),
        ("--engine", "magic"),
        ("--max-side", "63"),
        ("--quality", "best"),
        ("--visible-label", "fr"),
    ],
)
def test_values_out_of_range_are_named(run, inputs, tmp_path, option, value):
    video = tmp_path / "out.mp4"
    files = (inputs / "face.png", inputs / "voice.wav")
    told = run("animate", *files, "-o", video, "--json", option, value)
    assert told.status == 2
    assert told.json["error"]["code"] == "setting_out_of_range"
    assert told.err.startswith(f"error: {option.strip('-').replace('-', '_')}=")
    assert "wanted" in told.err
    assert not video.exists()


def test_an_unknown_engine_is_refused_with_the_known_ones(run, inputs, tmp_path):
    files = (inputs / "face.png", inputs / "voice.wav")
    told = run("animate", *files, "-o", tmp_path / "out.mp4", "--engine", "nobodys")
    assert told.status == 2
    assert "embedded" in told.err


def test_a_missing_file_is_named(run, inputs, tmp_path):
    told = run("animate", tmp_path / "no.png", inputs / "voice.wav", "-o", tmp_path / "out.mp4")
    assert told.status == 2
    assert "no.png: no such file" in told.err


def test_a_folder_that_is_not_there_is_named(run, inputs, tmp_path):
    files = (inputs / "face.png", inputs / "voice.wav")
    told = run("animate", *files, "-o", tmp_path / "no" / "out.mp4")
    assert told.status == 2
    assert str(tmp_path / "no") in told.err


def test_the_video_never_replaces_what_it_is_made_from(run, folder):
    before = (folder / "face.png").read_bytes()
    told = run(
        "animate", folder / "face.png", folder / "voice.wav", "-o", folder / "face.png", "--json"
    )
    assert told.status == 2
    assert told.json["error"]["code"] == "output_not_writable"
    assert (folder / "face.png").read_bytes() == before


def test_a_transcript_that_cannot_be_the_voices_is_left_out_with_a_notice(run, inputs, tmp_path):
    pytest.importorskip("pypinyin", reason="the extra `transcript` is not installed")
    told = run(
        "animate", inputs / "face.png", inputs / "voice.wav", "-o", tmp_path / "out.mp4", "--json",
        "--video-fps", "15", "--quality", "draft", "--transcript", "你好吗" * 50,
    )  # fmt: skip
    assert told.status == 0, told.err
    assert any("transcript does not fit" in notice for notice in told.json["notices"])


def test_a_transcript_without_words_is_refused_before_anything_is_read(run, tmp_path):
    told = run(
        "animate", "nobody.png", "nothing.wav", "-o", tmp_path / "out.mp4", "--transcript", "..."
    )
    assert told.status == 2
    assert "transcript" in told.err


def test_a_video_is_signed_with_the_certificates_that_are_named(run, inputs, tmp_path, monkeypatch):
    from tests.credentials import new_chain

    chain, video = new_chain(tmp_path / "chain"), tmp_path / "out.mp4"
    monkeypatch.setenv("PORTRAVOX_C2PA_KEY", chain.key_file.read_text())
    made = run(
        "animate", inputs / "face.png", inputs / "voice.wav", "-o", video, "--max-side", "160",
        "--video-fps", "15", "--c2pa-certificates", chain.certificates,
    )  # fmt: skip
    assert made.status == 0, made.err
    assert probe_video(video).frames == 18
    told = run("inspect", video, "--trust", chain.root, "--json").json
    marks = {mark["scheme"]: mark for mark in told["marks"]}
    assert marks["c2pa"]["fields"]["state"] == "Trusted"
    assert {"aigc", "comment"} <= set(marks)


def test_what_cannot_sign_is_said_before_anything_is_made(run, inputs, tmp_path):
    from tests.credentials import new_chain

    chain, video = new_chain(tmp_path / "chain", days=(-9, -1)), tmp_path / "out.mp4"
    signing = ("--c2pa-certificates", chain.certificates, "--c2pa-key-file", chain.key_file)
    listed = tmp_path / "list.csv"
    listed.write_text("portrait,voice\nface.png,voice.wav\n")
    files = (inputs / "face.png", inputs / "voice.wav", "-o", video)
    for told in (
        run("animate", *files, *signing),
        run("batch", listed, "-o", tmp_path / "videos", *signing),
        run("serve", "--data-dir", tmp_path / "data", "--config", serving_with(chain, tmp_path)),
    ):
        assert told.status == 2
        assert "expired on" in told.err and "Put a new one in its place" in told.err
    assert not video.exists()
    told = run("animate", *files, *signing[2:])
    assert told.status == 2 and "a key without certificates" in told.err


def serving_with(chain, folder):
    config = folder / "server.toml"
    config.write_text(
        f'c2pa_certificates = "{chain.certificates}"\nc2pa_key_file = "{chain.key_file}"\n'
    )
    return config
