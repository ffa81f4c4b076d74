"""The process that reads one transcript: how its words sound, together and each by itself.

Flow      transcripts -> a transcript on stdin -> transcript_reader -> its words on stdout

Run as `python -m portravox.service.worker.transcript_reader`; JSON in, JSON out. espeak-ng, which
it starts for most languages, inherits the limits.
"""

from __future__ import annotations

import json
import resource
import sys

from portravox.articulation.transcript import read_transcript
from portravox.captions.words import readings_of
from portravox.errors import SettingOutOfRange
from portravox.options import SpokenText

CPU_S = 20
MEMORY_MIB = 512
OPEN_FILES = 64
FILE_BYTES = 128 * 2**20
"""What the process and its program may take. Reading Chinese takes 120 MB, and
espeak-ng reserves 64 MB for a sound server that it does not use then. Our choice."""


def main() -> None:
    """Read one transcript from stdin; write its words, or what is wrong with it, to stdout."""
    _limit()
    question = json.load(sys.stdin)
    answer: object
    try:
        answer = {
            "words": read_transcript(question["transcript"], question["language"]).words,
            "captions": readings_of(SpokenText(question["captions"], question["language"])),
        }
    except SettingOutOfRange as error:
        answer = {"refused": error.name}
    json.dump(answer, sys.stdout)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MIB * 2**20, MEMORY_MIB * 2**20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
