"""More English: Debian's telephone prompts at 16 kHz, aligned here.

Flow      asterisk-core-sounds-en-g722, samples/transcripts -> sphinx -> prompts -> Part
Gives     Sentences, and what each method finds in them

One woman, read in a studio, wide-band (G.722). A quarter of them are also among the telephone
recordings of the samples, there from the package's 8 kHz files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from benchmarks.articulation import sphinx
from benchmarks.articulation.bench import QUICK_STEP, Bench
from benchmarks.articulation.english import GOALS, part_of_band, scored, scored_oracle
from benchmarks.articulation.sentences import WIDEBAND, Sentence, least_score
from benchmarks.quality.chapter import Part
from portravox.media.sound_frames import float_samples
from portravox.media.waveform import Waveform
from portravox.speech.resample import speech_samples
from training.utterance import Phone

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPT = Path("transcripts", "asterisk-core-sounds-en.txt")

FEWEST_WORDS = 4
"""Shorter prompts are pieces of sentences. Our choice."""

CHOOSING_WORDS = (1, 2, 3)
"""The shorter ones serve for choosing thresholds: other words of the same voice."""

TITLE = "English prompts, 16 kHz"
ABOUT = (
    "Debian's asterisk-core-sounds-en-g722, aligned by PocketSphinx with the texts of "
    "samples/transcripts: one woman, more phones than all the samples together."
)


def english_prompts(bench: Bench) -> list[Part]:
    """What each method finds in them."""
    missing = _missing(bench.samples)
    if missing:
        return [Part("prompts", TITLE, ABOUT, skipped=missing)]
    name = "prompts_choosing.json" if bench.choosing else "prompts.json"
    kept, dropped = aligned_prompts(bench.samples, bench.cache / name, bench.choosing)
    if bench.quick:
        kept = kept[::QUICK_STEP]
    scores = {name: scored(kept, method)[WIDEBAND] for name, method in bench.methods.items()}
    scores["oracle"] = scored_oracle(kept)[WIDEBAND]
    about = f"{ABOUT} {len(kept)} prompts; {dropped} could not be aligned or fit badly."
    return [part_of_band("prompts", TITLE, about, scores, GOALS[WIDEBAND])]


def aligned_prompts(
    samples: Path, cache: Path, choosing: bool = False
) -> tuple[list[Sentence], int]:
    """The prompts whose text could be laid on them, and how many could not.

    The alignments are kept in the file `cache`.

    choosing  the short prompts, by which thresholds are chosen, not those that are reported
    """
    if not cache.exists():
        alignments = {
            name: sphinx.aligned(speech_samples(read_sound_file(SOUNDS / f"{name}.g722")), words)
            for name, words in _texts(samples / TRANSCRIPT, choosing)
        }
        cache.parent.mkdir(parents=True, exist_ok=True)
        facts = {
            name: found and {"score": found.score, "phones": [_written(p) for p in found.phones]}
            for name, found in alignments.items()
        }
        cache.write_text(json.dumps(facts, ensure_ascii=False), "utf-8")
    facts = json.loads(cache.read_text("utf-8"))
    found = {name: entry for name, entry in facts.items() if entry}
    least = least_score(entry["score"] for entry in found.values())
    sentences = [
        Sentence(
            name,
            WIDEBAND,
            tuple(Phone(*phone) for phone in entry["phones"]),
            read_sound_file(SOUNDS / f"{name}.g722"),
        )
        for name, entry in found.items()
        if entry["score"] >= least
    ]
    return sentences, len(facts) - len(sentences)


def read_sound_file(path: Path) -> Waveform:
    """Any file that FFmpeg decodes."""
    with av.open(str(path)) as container:
        blocks = [float_samples(frame) for frame in container.decode(audio=0)]
        rate_hz = container.streams.audio[0].codec_context.sample_rate
    return Waveform(np.concatenate(blocks), rate_hz)


def _missing(samples: Path) -> str:
    """What is needed and not there; empty where nothing is."""
    if not SOUNDS.is_dir():
        return "the Debian package asterisk-core-sounds-en-g722 is not installed"
    if not (samples / TRANSCRIPT).exists():
        return f"the texts (samples/{TRANSCRIPT}) are not there"
    if not sphinx.there_is_sphinx():
        return "PocketSphinx, which aligns them, is not installed"
    return ""


def _texts(path: Path, choosing: bool) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Name and the ARPAbet phones of each word, for prompts whose words are all known."""
    seen = set()
    for line in path.read_text("utf-8", errors="replace").splitlines():
        name, colon, text = line.partition(":")
        # brackets hold stage directions; digits and signs may be read in several ways
        if not colon or name.startswith(";") or name in seen or re.search(r"[\[(<*#/\d]", text):
            continue
        seen.add(name)
        spelt = re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split()
        words = [sphinx.dictionary().get(word.strip("'")) for word in spelt]
        known = [word for word in words if word]
        wanted = len(words) in CHOOSING_WORDS if choosing else len(words) >= FEWEST_WORDS
        if len(known) == len(words) and wanted and (SOUNDS / f"{name}.g722").exists():
            yield name, known


def _written(phone: Phone) -> list[str | float]:
    return [phone.ipa, round(phone.start_s, 3), round(phone.end_s, 3)]
