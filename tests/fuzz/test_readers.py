"""Odd but valid files are read as independent programs read them, or refused by name.

sox and FFmpeg's program read the sound, ImageMagick the pictures. The same rate, a length within
20 ms, samples within 1/500 of full scale; the same size and pixels within 2 of 255.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from portravox.errors import PortravoxError
from portravox.media.picture_file import BACKDROP_RGB, read_picture
from portravox.media.voice_file import read_voice
from tests.fuzz.conftest import Tally
from tests.fuzz.odd_files import Odd, odd_file

COUNT = int(os.environ.get("PORTRAVOX_FUZZ_READERS", "100"))
"""`make fuzz` asks for 2,400."""

PROGRAMS = {"sox": "sox", "ffmpeg": "ffmpeg", "convert": "imagemagick"}
"""Program -> Debian package."""

MAX_LATE_S = 0.02
MAX_SAMPLE = 1 / 500
MAX_LEVEL = 2


def test_odd_files_are_read_as_others_read_them(tmp_path: Path, tally: Tally) -> None:
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if missing:
        pytest.skip(f"nothing to compare with: apt-get install {' '.join(missing)}")
    unexplained = []
    outcomes: Counter[str] = Counter()
    for number in range(COUNT):
        odd = odd_file(number)
        path = tmp_path / f"odd-{number}.{odd.suffix}"
        path.write_bytes(odd.content)
        began = time.perf_counter()
        outcome = _sound(path, odd) if odd.suffix in ("wav", "mp3") else _picture(path, odd)
        tally.add(f"odd {odd.suffix}", outcome, time.perf_counter() - began)
        outcomes[outcome] += 1
        if outcome.startswith("!"):
            unexplained.append((number, odd.suffix, outcome, *odd.features))
        path.unlink()
    assert not unexplained, unexplained[:20]
    assert outcomes["same"] > 0.6 * COUNT, outcomes


def _sound(path: Path, odd: Odd) -> str:
    try:
        ours = read_voice(path)
    except PortravoxError as refusal:
        return f"!{refusal.code}"
    others = _read_by_sox(path)
    if others is None and "RIFX" not in odd.features:  # which FFmpeg takes for little-endian
        others = _read_by_ffmpeg(path)
    if others is None:
        return "read by us alone"
    rate_hz, samples = others
    late_s = abs(len(samples) / rate_hz - ours.duration_s)
    if odd.decided and late_s > MAX_LATE_S:
        return f"decided: {odd.decided}"
    if rate_hz != ours.rate_hz:
        return f"!rate {ours.rate_hz}, theirs {rate_hz}"
    if late_s > MAX_LATE_S:
        return f"!length {ours.duration_s:.3f}, theirs {len(samples) / rate_hz:.3f}"
    count = min(len(samples), len(ours.samples))
    if odd.suffix == "wav" and samples.shape[1] == ours.samples.shape[1]:
        apart = float(np.abs(samples[:count] - ours.samples[:count]).max())
        if apart > MAX_SAMPLE:
            return f"!samples apart by {apart:.4f}"
    return "same"


def _read_by_sox(path: Path) -> tuple[int, np.ndarray] | None:
    told = subprocess.run(["soxi", str(path)], capture_output=True, text=True, check=False)
    facts = dict(line.split(":", 1) for line in told.stdout.splitlines() if ":" in line)
    command = ["sox", "-D", str(path), "-t", "f32", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    fields = {name.strip(): value.strip() for name, value in facts.items()}
    if done.returncode or not done.stdout or "Sample Rate" not in fields:
        return None
    channels = int(fields["Channels"])
    samples = np.frombuffer(done.stdout, "<f4")
    return int(fields["Sample Rate"]), samples[: len(samples) // channels * channels].reshape(
        -1, channels
    )


def _read_by_ffmpeg(path: Path) -> tuple[int, np.ndarray] | None:
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=sample_rate,channels"]
    told = subprocess.run(
        [*probe, "-of", "csv=p=0", str(path)], capture_output=True, text=True, check=False
    )
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if told.returncode or done.returncode or not done.stdout:
        return None
    rate_hz, channels = map(int, told.stdout.split()[0].split(",")[:2])
    samples = np.frombuffer(done.stdout, "<f4")
    return rate_hz, samples[: len(samples) // channels * channels].reshape(-1, channels)


def _picture(path: Path, odd: Odd) -> str:
    try:
        ours = read_picture(path).pixels
    except PortravoxError as refusal:
        return f"!{refusal.code}"
    grey = f"rgb({','.join(map(str, BACKDROP_RGB))})"
    command = ["convert", str(path), "-auto-orient", "-background", grey, "-alpha", "remove"]
    command += ["-colorspace", "sRGB", "-depth", "8", "-strip", "ppm:-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if not done.stdout:
        return "read by us alone"
    head = done.stdout.split(b"\n", 3)
    width, height = map(int, head[1].split())
    theirs = np.frombuffer(head[3], np.uint8).reshape(height, width, -1)
    if odd.decided and (height, width) in (ours.shape[:2], ours.shape[1::-1]):
        return f"decided: {odd.decided}"
    if (height, width) != ours.shape[:2]:
        return f"!size {ours.shape[1]}x{ours.shape[0]}, theirs {width}x{height}"
    apart = int(np.abs(theirs.astype(int) - ours).max())
    return "same" if apart <= MAX_LEVEL else f"!pixels apart by {apart}"
