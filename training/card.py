"""The model card: what the model was made from, what it can do, under which licences.

Flow      training.corpus, training.fit, benchmarks.articulation -> card -> articulation_model.md

    python -m training.card RUN --corpus DIR --results FILE [-o FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from training.export import MODEL
from training.utterance import PERSON, RATE_HZ, SYLLABLES, WORDS, load
from training.voices import VOICES

CARD = MODEL.with_suffix(".md")
MEASURED = (
    "wideband_16k", "telephone_8k", "faces", "prompts", "languages", "mandarin",
    "robustness_wideband_16k", "robustness_telephone_8k", "pauses",
    "stillness", "cost",
)  # fmt: skip
"""Chapters of benchmarks.articulation that the card repeats."""

GOES_ON = """\
- Made by `make articulation-model LICENCES={licences}`: the fourth generation. It goes on from the
  weights of the third (`training/third_generation.onnx`) for {steps} steps of {batch} pieces of
  {length_s:.2f} s, with the first (`training/first_generation.onnx`) as a teacher (decisions 58, 76
  and 85). The third one went on from the first for 4000 steps on the same speech without whispers,
  the first one had 6500 steps on 9.6 hours of synthesised speech. The first one's weights can't be
  made again, the third one's by an earlier recipe only, which is why they are kept."""
FROM_NOTHING = """\
- Made by `make articulation-model LICENCES={licences}`: {steps} steps of {batch} pieces of
  {length_s:.2f} s, the last {last_steps} of them a second, gentler run"""

PEOPLE = {
    SYLLABLES: "syllables of Mandarin, Chen Wang",
    WORDS: "words of the HSK lists, Yue Tan (Shtooka, `cmn-caen-tan`)",
}
PEOPLES_LICENCE = "CC BY-SA"

ATTRIBUTION = """\
Mandarin by people: 64 kbit/s recordings of the repository
[hugolpz/audio-cmn](https://github.com/hugolpz/audio-cmn), folders `64k/syllabs` (Chen Wang) and
`64k/hsk` (Yue Tan, Shtooka `cmn-caen-tan`), both CC BY-SA. Sounds are timed by the first
generation of the network (`training/real_speech.py`); two tenths of them, drawn by name, were never
learnt from: one is measured, thresholds are chosen by the other. Each of the rest was learnt from
twice, as it is and with another pitch, other formants and another tempo.
Nothing of the recordings is in the file but what was learnt from their sound.
LICENCES=permissive leaves them out.
"""

INTRODUCTION = """\
# Articulation model: from a voice to what the mouth does

A convolutional network of {parameters:.2f} million weights. It reads the log-mel spectrum of a
recording (16 kHz, 80 bands, a row each 10 ms) and says of each row how jaw, lips and tongue stand,
which of 34 classes of phones sounds, and whether somebody speaks. It knows no language: it was
trained on {hours:.1f} hours of synthesised speech in {languages} languages by {voices} voices,
{recorded:.0f} % of the time by voices cut from or learnt from recordings of people, and on
{people:.0f} minutes of Mandarin from recordings of two women, half of them changed as if another
spoke. Targets come from phonetics (`training/gestures.py`), not from measurements of a face.

- File: `{name}`, {size_mb:.2f} MB, SHA-256 `{checksum}`
{made}
- Meant for: moving the mouth of a portrait in time with a voice. Not meant for: recognising words,
  telling who speaks, judging how somebody feels.
- Weak where people disagree with each other too: lips tell more than a voice does (smiles, breath,
  habits), and p, t, k after a silence sound nearly alike.
"""


def made(notes: Mapping[str, str]) -> str:
    """How the file was made, from its own notes."""
    goes_on = notes["licences"] == "all"
    return (GOES_ON if goes_on else FROM_NOTHING).format(
        licences=notes["licences"],
        steps=notes["last_steps" if goes_on else "steps"],
        last_steps=notes["last_steps"],
        batch=notes["batch"],
        length_s=float(notes["example_s"]),
    )


def corpus_table(corpus: Path) -> tuple[str, dict[str, float]]:
    """Voices with their minutes and licences, and the sums of the introduction."""
    minutes: dict[tuple[str, str], float] = {}
    for path in sorted(corpus.glob("*.npz")):
        for utterance in load(path):
            key = utterance.voice, utterance.language
            minutes[key] = minutes.get(key, 0.0) + len(utterance.samples) / RATE_HZ / 60.0
    lines = [
        "| voice | language | minutes | package | licence of the voice |",
        "|---|---|---|---|---|",
    ]
    counted: set[tuple[str, str]] = set()
    people = {speaker: minutes.pop((f"{PERSON}-{speaker}", "zh"), 0.0) for speaker in PEOPLE}
    recorded = 0.0
    used = 0
    for voice in VOICES:
        key = voice.source, voice.language
        if key not in minutes:
            continue
        used += 1
        if voice.recorded:
            recorded += minutes[key]
        if key in counted:
            continue
        counted.add(key)
        lines.append(
            f"| {voice.source} | {voice.language} | {minutes[key]:.0f} |"
            f" {voice.package} | {voice.licence} |"
        )
    lines += [
        f"| {PEOPLE[speaker]} | zh | {spoken:.0f} | – | {PEOPLES_LICENCE} |"
        for speaker, spoken in people.items()
        if spoken
    ]
    total = sum(minutes.values())
    sums = {
        "hours": total / 60.0,
        "languages": float(len({language for _, language in minutes})),
        "voices": float(used),
        "recorded": 100.0 * recorded / total,
        "people": sum(people.values()),
    }
    return "\n".join(lines), sums


def quality_tables(results: dict[str, Any]) -> str:
    """What was measured on real speech, as benchmarks.articulation wrote it."""
    parts = []
    for name in MEASURED:
        chapter = results.get(name)
        if chapter is None or not chapter["rows"]:
            continue
        methods = list(next(iter(chapter["rows"].values())))
        parts += [f"### {chapter['title']}", "", chapter["about"], ""]
        parts += [f"| figure | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
        for figure, values in chapter["rows"].items():
            cells = " | ".join(_cell(values[method]) for method in methods)
            parts.append(f"| {figure} | {cells} |")
        parts.append("")
    return "\n".join(parts)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.2f}"
    return "–" if value is None else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, default=CARD)
    wanted = parser.parse_args()
    model = onnx.load(MODEL)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    parameters = sum(math.prod(weight.dims) for weight in model.graph.initializer if weight.dims)
    table, sums = corpus_table(wanted.corpus)
    text = INTRODUCTION.format(
        name=MODEL.name,
        parameters=parameters / 1e6,
        size_mb=MODEL.stat().st_size / 1e6,
        checksum=hashlib.sha256(MODEL.read_bytes()).hexdigest(),
        hours=sums["hours"],
        languages=int(sums["languages"]),
        voices=int(sums["voices"]),
        recorded=sums["recorded"],
        people=sums["people"],
        made=made(notes),
    )
    progress = json.loads((wanted.run / "progress.json").read_text())
    held_out = ", ".join(f"{name} {value:.3f}" for name, value in progress.items())
    wanted.out.write_text(
        f"{text}\n## Trained on\n\n{table}\n\n"
        "The synthesisers and voices are programs of Debian 12, used as programs; nothing of them\n"
        "is in the file but what was learnt from their sound. LICENCES=permissive leaves out\n"
        "every voice under the GPL.\n\n"
        f"{ATTRIBUTION if sums['people'] else ''}\n"
        "## Measured\n\n"
        f"The run, on utterances held out of it: {held_out}.\n\n"
        "On real speech, by `python -m benchmarks.articulation`, the others in the same run;\n"
        "`earlier` is the third generation of the network with the same decisions after it:\n\n"
        "`live` is a voice 148 ms behind, by rules of its own (decision 73):\n\n"
        f"{quality_tables(json.loads(wanted.results.read_text()))}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
