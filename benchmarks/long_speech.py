"""How much memory a long recording takes, and what each minute of it adds.

Flow      the demo's voice repeated, the demo's portrait -> pipeline -> a table

    python -m benchmarks.long_speech [--minutes 3 15] [--rate-hz 22050] [--channels 1]
    python -m benchmarks.long_speech --unpainted        # all but painting, encoding and the file

Each length has a process of its own, whose peak is told, with small pictures at 15 frames a
second. The slope is that between the shortest and the longest. What was read, understood and
planned is measured without what paints by `--unpainted`, in a twentieth of the time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import this_machine
from benchmarks.speed import demo_voice, looped, peak_memory_mb
from portravox.media.decoded_sound import resampled
from portravox.media.plain_files import write_wav
from portravox.media.waveform import Waveform

FPS, SIDE_PX = 15, 192

MINUTES = (3.0, 15.0)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=list(MINUTES))
    parser.add_argument("--rate-hz", type=int, default=22_050)
    parser.add_argument("--channels", type=int, choices=(1, 2), default=1)
    parser.add_argument("--unpainted", action="store_true")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(peaks_mb(Path(given.job), given.unpainted)))
        return
    print(f"Measured {this_machine().sentence()}; {given.rate_hz} Hz, {given.channels} channels.\n")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in sorted(given.minutes):
            file = Path(folder) / "voice.wav"
            write_wav(file, voice_of(minutes, given.rate_hz, given.channels))
            rows[minutes] = _measured(file, given.unpainted)
    stages = list(next(iter(rows.values())))
    print(f"| minutes | {' | '.join(f'peak until {stage}, MB' for stage in stages)} |")
    print(f"|---|{'---|' * len(stages)}")
    for minutes, peaks in rows.items():
        print(f"| {minutes:g} | {' | '.join(f'{peaks[stage]:.0f}' for stage in stages)} |")
    short, long = min(rows), max(rows)
    if long > short:
        grown = (
            f"{(rows[long][stage] - rows[short][stage]) / (long - short):.1f}" for stage in stages
        )
        print(f"| MB a minute | {' | '.join(grown)} |")


def voice_of(minutes: float, rate_hz: int, channels: int) -> Waveform:
    """The demo's voice again and again."""
    voice = demo_voice()
    samples = resampled(voice.samples, voice.rate_hz, rate_hz).repeat(channels, axis=1)
    return looped(Waveform(samples, rate_hz), 60.0 * minutes)


def _measured(voice: Path, unpainted: bool) -> dict[str, float]:
    """Stage -> peak, MB, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.long_speech", "--job", str(voice)]
    command += ["--unpainted"] if unpainted else []
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def peaks_mb(file: Path, unpainted: bool) -> dict[str, float]:
    """The largest memory of this process until each stage's end."""
    from portravox.demo import demo_portrait
    from portravox.engines.performance import perform
    from portravox.media.voice_file import read_voice
    from portravox.options import Direction
    from portravox.pipeline import animate

    if unpainted:
        voice = read_voice(file)
        peaks = {"read": peak_memory_mb()}
        track = perform(voice, Direction(video_fps=FPS))
        assert len(track)
        return {**peaks, "planned": peak_memory_mb()}
    with tempfile.TemporaryDirectory() as folder:
        animate(demo_portrait(), file, Path(folder) / "video.mp4", video_fps=FPS, max_side=SIDE_PX)
    return {"written": peak_memory_mb()}


if __name__ == "__main__":
    main()
