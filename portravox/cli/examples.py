"""Examples at the end of each command's --help.

Flow      cli.examples -> cli.app, cli.client
"""

from __future__ import annotations

_EXAMPLES: dict[str, tuple[str, ...]] = {
    "animate": (
        "portravox animate face.jpg voice.wav -o video.mp4",
        "portravox animate face.jpg voice.wav -o calm.mp4 --template-id calm",
        "portravox animate face.jpg --text 'Good day.' --captions srt -o hello.mp4",
        "portravox animate face.jpg voice.wav -o - | ffplay -",
    ),
    "check": ("portravox check face.jpg", "portravox check face.jpg --json"),
    "batch": (
        "portravox batch jobs.csv -o videos",
        "portravox batch jobs.jsonl -o videos --video-fps 25 --json",
    ),
    "demo": ("portravox demo -o demo.mp4",),
    "live": (
        "portravox live face.jpg --input voice.wav --output live.mp4 --no-pace",
        "my-voice | portravox live face.jpg --rate 24000 | ffplay -",
    ),
    "serve": (
        "portravox serve --open",
        "portravox serve --host 0.0.0.0 --port 8080 --workers 2",
    ),
    "client submit": (
        "portravox client submit face.jpg voice.wav -o video.mp4",
        "portravox client submit https://me.example/face.jpg https://me.example/v.wav",
    ),
    "completion": (
        'eval "$(portravox completion bash)"',
        "portravox completion fish | source",
    ),
}


def examples(command: str) -> str:
    """The examples of a command, as the parser prints them: line for line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in _EXAMPLES[command])


def all_examples() -> tuple[str, ...]:
    """Every one, to be read by the real parser."""
    return tuple(line for lines in _EXAMPLES.values() for line in lines)
