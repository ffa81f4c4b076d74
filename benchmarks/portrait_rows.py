"""A table with rows for each portrait, printed while it is made.

Flow      portraits of the command line, of the samples or the demo's -> a look -> its rows
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.quality.inputs import ASTRONAUT, Inputs
from benchmarks.samples import SAMPLES
from benchmarks.sheets import MAX_SIDE_PX
from portravox.errors import PortravoxError
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture


def print_rows(title: str | None, rows: Callable[[Picture], Iterable[str]]) -> None:
    """The command of a module: its rows for each portrait, named; where there are none, why.

    title  of the module, its first line is the command's help
    """
    parser = argparse.ArgumentParser(description=(title or "").splitlines()[0])
    parser.add_argument("portraits", nargs="*", type=Path, metavar="PORTRAIT")
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(wanted.samples, Path(folder))
        names = tuple(name for name in inputs.portraits() if name != ASTRONAUT) or (ASTRONAUT,)
        for portrait in wanted.portraits or [inputs.portrait(name) for name in names]:
            try:
                for row in rows(read_picture(portrait, max_side_px=MAX_SIDE_PX)):
                    print(f"{portrait.stem:42} {row}", flush=True)
            except PortravoxError as error:
                print(f"{portrait.stem:42} {error}", flush=True)
