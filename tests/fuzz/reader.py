"""A process that reads broken pictures and sounds, as the service's child reads those of strangers.

    python -m tests.fuzz.reader FOLDER FIRST COUNT

FOLDER holds whole files; case n is one of them, mutated. One line for each case on stdout: its
number, its kind, what came of it, and the seconds it took. A line with `begun` comes first, so
that the parent knows which case a process died of.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import sys
import time
import warnings
from pathlib import Path

from portravox.errors import FileUnfit, PortravoxError
from portravox.face.verdict import judge
from portravox.inspection import inspect, inspect_file
from portravox.media.picture_file import PictureLimits, read_picture
from portravox.media.voice_file import read_voice
from tests.fuzz.mutations import mutated

MEMORY_BYTES = 4 << 30
"""What the service gives its own children: `render_memory_mib`."""

JUDGED = 20
"""Of so many readable pictures one is also looked at for a face, which takes longer."""


def main() -> None:
    folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    news = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    warnings.simplefilter("ignore")
    whole = sorted(folder.glob("whole.*"))
    for number in range(first, first + count):
        chance = random.Random(number)
        seed = chance.choice(whole)
        case = folder / f"case-{first}{seed.suffix}"
        case.write_bytes(mutated(seed.read_bytes(), chance))
        print(f"{number} {seed.suffix} begun 0", file=news, flush=True)
        began = time.perf_counter()
        outcome = _outcome(case, number)
        print(f"{number} {seed.suffix} {outcome} {time.perf_counter() - began:.3f}", file=news)
        news.flush()


def _outcome(case: Path, number: int) -> str:
    """`read`, the code of a refusal, or `! Name` of an error that is nobody's plan."""
    try:
        if case.suffix == ".mp4":
            # Labels and the manifest; looking for a watermark takes a hundred times as long.
            found = inspect(case.read_bytes())
            valid = [mark.valid for mark in found.marks if mark.scheme == "c2pa"]
            return {True: "valid", False: "invalid"}.get(valid[0], "odd") if valid else "none"
        with contextlib.suppress(FileUnfit):
            inspect_file(case)
        if case.suffix in (".wav", ".mp3"):
            read_voice(case)
        else:
            # The service takes no GIF; the command line does.
            limits = PictureLimits() if case.suffix == ".gif" else PictureLimits.service()
            picture = read_picture(case, limits)
            if number % JUDGED == 0:
                judge(picture)
    except PortravoxError as refusal:
        return refusal.code
    except Exception as error:
        return f"!{type(error).__name__}"
    return "read"


if __name__ == "__main__":
    main()
