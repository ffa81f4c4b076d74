"""Notes: how much of each recording is held as a note, and what that does to the mouth.

Flow      samples/voices -> articulation.from_voice, animation.singing -> a line each

    python -m benchmarks.notes [VOICE ...]

Without a VOICE those of samples/voices of less than a minute. A song should have notes, speech
hardly any.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.samples import SAMPLES
from portravox.animation.singing import held_rows, with_held_notes
from portravox.articulation.from_voice import articulate
from portravox.media.voice_file import read_voice

LONGEST_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Notes that are held in recordings.")
    parser.add_argument("voices", type=Path, nargs="*")
    wanted = parser.parse_args()
    print(f"{'recording':<40}{'held':>6}  lips in notes  jaw in notes")
    for path in wanted.voices or sorted((SAMPLES / "voices").iterdir()):
        voice = read_voice(path)
        if not wanted.voices and voice.duration_s >= LONGEST_S:
            continue
        curves = articulate(voice)
        speaking = curves["activity"] >= 0.5
        notes = held_rows(curves["pitch"], speaking)
        share = notes.sum() / max(1, int(((curves["pitch"] != 0.0) & speaking).sum()))
        line = f"{path.name:<40}{share:>6.2f}"
        if notes.any():
            held = with_held_notes(curves)
            for name in ("aperture", "jaw"):
                before, now = curves[name][notes].mean(), held[name][notes].mean()
                line += f"    {before:.2f} {now:.2f}"
        print(line)


if __name__ == "__main__":
    main()
