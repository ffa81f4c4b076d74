"""The training run.

Flow      training.features, training.augment, training.network -> fit -> training.export

    python -m training.fit FEATURES... --out DIR [--steps N] [--seed N] [--start FILE]

Every SAVE_STEPS the state is kept; a run that was stopped goes on from there. A run that starts
from the product's own file (training.kept) leaves the batch norms as they are: they are part of the
convolutions there.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from portravox.articulation.phones import BILABIAL, CLASS_OF, LABIODENTAL, PHONE_CLASSES
from portravox.speech.log_mel import normalized_log_mel
from training.augment import EXAMPLE_ROWS, Example, Examples
from training.features import Rows, joined, read
from training.kept import freeze_norms, model_of_file, onnx_notes
from training.network import ArticulationModel
from training.noises import STEADY, babble, bank
from training.targets import CURVES

STEPS = 5000
BATCH = 12
RATE = 2.5e-3
WARM_UP_STEPS = 150
WEIGHT_DECAY = 0.01
AVERAGING = 0.998
"""Of the weights over the last steps: what is exported is the average."""

SAVE_STEPS = 100
REPORT_STEPS = 20
HELD_OUT = 60
"""Utterances that are not trained on, to see the progress."""

CURVE_WEIGHTS = {
    "jaw": 1.0,
    "aperture": 2.0,
    "spread": 0.8,
    "rounding": 1.2,
    "closure": 2.0,
    "labiodental": 1.2,
    "tongue": 0.5,
}
SQUARE, ABSOLUTE, CLOSURE, SPEED, CLASSES, VOICE = 4.0, 0.4, 1.2, 1.0, 0.7, 0.15
"""Weights of the losses. Squares and cross-entropy: with absolute differences alone the rare f and
v were never learnt (feasibility study)."""

RARE = (2.5, 6.0)
"""How much more a row with closed lips, with the lip at the teeth, counts than one without. With
4.5 for the second, fewer English f and v were found (decision 85)."""

NEAR_TEETH, NEAR_TEETH_WEIGHT = [PHONE_CLASSES.index(name) for name in ("h", "th")], 4.0
"""Classes of hisses like f, and how much more a row of them counts as one without a bite: the h of
"hello" was bitten."""

SMOOTHING = 0.05

TAUGHT = 0.5
"""How much an earlier network's word counts against the corpus's, where there is one."""

NOISE_COPIES = {"coloured": 6, "babble": 2}
"""How much more often steady noise and babble come than any piece of music. Closures got lost in
them most."""

EDGE_ROWS = (8, 18)
EDGE_WEIGHT = 4.0
"""Rows before an example's end count so much more: what comes after them is not known yet, as for a
live voice (articulation.streaming)."""


def examples(source: Examples, seed: int, first: int, steps: int) -> Iterator[list[Example]]:
    """Batches made ahead by a second thread; step n has its own seed."""

    def batch(step: int) -> list[Example]:
        rng = np.random.default_rng((seed, step))
        return [source.draw(rng) for _ in range(BATCH)]

    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(batch, step) for step in range(first, min(first + 3, steps))]
        for step in range(first, steps):
            if step + 3 < steps:
                ahead.append(pool.submit(batch, step + 3))
            yield ahead.pop(0).result()


def loss_of(
    outputs: tuple[Tensor, Tensor, Tensor],
    curves: Tensor,
    classes: Tensor,
    voiced: Tensor,
    shares: Tensor | None = None,
) -> Tensor:
    """One number for a batch: over all rows, and over those near the end once more.

    shares  (B, T, classes) what to expect of each class, where that is more than the right one
    """
    near = slice(-EDGE_ROWS[1], -EDGE_ROWS[0])
    shares = functional.one_hot(classes, len(PHONE_CLASSES)).float() if shares is None else shares
    whole = _loss(outputs, curves, shares, (classes > 0).float(), voiced)
    scores, class_scores, voice_scores = (output[:, near] for output in outputs)
    edge = _loss(
        (scores, class_scores, voice_scores),
        curves[:, near],
        shares[:, near],
        (classes[:, near] > 0).float(),
        voiced[:, near],
    )
    share = EDGE_WEIGHT * (EDGE_ROWS[1] - EDGE_ROWS[0]) / curves.shape[1]
    return (whole + share * edge) / (1.0 + share)


def _loss(
    outputs: tuple[Tensor, Tensor, Tensor],
    curves: Tensor,
    shares: Tensor,
    speaking: Tensor,
    voiced: Tensor,
) -> Tensor:
    scores, class_scores, voice_scores = outputs
    said = torch.sigmoid(scores)
    weights = torch.tensor([CURVE_WEIGHTS[name] for name in CURVES])
    apart = said - curves
    level = (weights * (SQUARE * apart.square() + ABSOLUTE * apart.abs())).mean()
    closures = [CURVES.index("closure"), CURVES.index("labiodental")]
    hissing = shares[..., NEAR_TEETH].sum(dim=-1) * (1.0 - curves[..., closures[1]])
    counts = torch.ones_like(curves[..., closures])
    counts[..., 1] += (NEAR_TEETH_WEIGHT - 1.0) * hissing
    closure = functional.binary_cross_entropy_with_logits(
        scores[..., closures], curves[..., closures], counts, pos_weight=torch.tensor(RARE)
    )
    speed = (weights * (apart[:, 2:] - apart[:, :-2]).abs()).mean()
    named = functional.cross_entropy(
        class_scores.flatten(0, 1), shares.flatten(0, 1), label_smoothing=SMOOTHING
    )
    voice = functional.binary_cross_entropy_with_logits(
        voice_scores, torch.stack([speaking, voiced], dim=-1)
    )
    return 2.0 * level + CLOSURE * closure + SPEED * speed + CLASSES * named + VOICE * voice


def taught(
    teacher: nn.Module, batch: list[Example], curves: Tensor, shares: Tensor
) -> tuple[Tensor, Tensor]:
    """Targets half of what the corpus says, half of what an earlier network says of the same.

    The teacher is shown the voice before noise and fading, and nobody it knows nothing of.

    curves, shares  (B, T, 7) and (B, T, classes) as the corpus says them
    """
    chosen = [n for n, example in enumerate(batch) if example.taught]
    if not chosen:
        return curves, shares
    with torch.no_grad():
        shown = torch.from_numpy(np.stack([batch[n].untouched for n in chosen]))
        scores, class_scores, _ = teacher(shown)
    curves, shares = curves.clone(), shares.clone()
    curves[chosen] = curves[chosen].lerp(torch.sigmoid(scores), TAUGHT)
    shares[chosen] = shares[chosen].lerp(torch.softmax(class_scores, dim=-1), TAUGHT)
    return curves, shares


def progress(model: nn.Module, rows: Rows, held_out: NDArray[Any]) -> dict[str, float]:
    """How well the model does on held-out utterances, degraded as they are."""
    model.eval()
    right, found, wanted, false_alarms, aperture = [], 0, 0, 0, []
    lips = [PHONE_CLASSES.index(name) for name in sorted({CLASS_OF[s] for s in BILABIAL})]
    teeth = [PHONE_CLASSES.index(name) for name in sorted({CLASS_OF[s] for s in LABIODENTAL})]
    bitten = bitten_found = 0
    with torch.no_grad():
        for index in held_out:
            first, last = rows.starts[index : index + 2]
            last -= (last - first) % 2
            power = 10.0 ** (rows.degraded_db[first:last].astype(np.float32) / 10.0)
            scores, classes, _ = model(torch.from_numpy(normalized_log_mel(power))[None])
            truth = rows.classes[first:last]
            said = torch.sigmoid(scores)[0].numpy()
            right.append((classes[0].argmax(1).numpy() == truth).mean())
            shut = said[:, CURVES.index("closure")] > 0.5
            lip_rows = np.isin(truth, lips)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], lip_rows, [0]])))
            for start, stop in zip(edges[::2], edges[1::2], strict=True):
                wanted += 1
                found += bool(shut[start:stop].any())
            near = np.convolve(lip_rows, np.ones(9), "same") > 0
            false_alarms += int((np.diff(np.concatenate([[0], shut & ~near])) == 1).sum())
            tooth_rows = np.isin(truth, teeth)
            bitten += int(tooth_rows.sum())
            bitten_found += int((said[tooth_rows, CURVES.index("labiodental")] > 0.5).sum())
            target = rows.curves[first:last, 1].astype(np.float32)
            if target.std() > 0.0:
                aperture.append(np.corrcoef(said[:, 1], target)[0, 1])
    model.train()
    return {
        "classes": float(np.mean(right)),
        "aperture r": float(np.mean(aperture)),
        "closures found": found / max(1, wanted),
        "false closures": false_alarms / max(1, wanted),
        "f v rows": bitten_found / max(1, bitten),
    }


def fit(
    rows: Rows,
    out: Path,
    steps: int,
    seed: int,
    start: Path | None = None,
    rate: float = RATE,
    length: int = EXAMPLE_ROWS,
    teacher: Path | None = None,
) -> ArticulationModel:
    """Train, or go on training; the averaged network.

    start   state of an earlier run, or a file as the product has it, whose averaged network is
            trained on instead of a random one
    rate    of learning, at its highest
    length  rows of an example
    teacher  network file whose word counts, too
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows.starts) - 1)
    held_out, trained = order[:HELD_OUT], order[HELD_OUT:]
    noises = bank(seed)
    noises += noises[:STEADY] * (NOISE_COPIES["coloured"] - 1)
    spectra = [
        10.0 ** (rows.clean_db[rows.starts[u] : rows.starts[u + 1]].astype(np.float32) / 10.0)
        for u in trained[:300]
    ]
    noises += [babble(spectra, rng) for _ in range(6)] * NOISE_COPIES["babble"]
    source = Examples(rows, noises, trained, length)

    model = ArticulationModel()
    before = 0
    kept_norms = start is not None and start.suffix == ".onnx"
    if start is not None and kept_norms:
        model = model_of_file(start)
        before = int(onnx_notes(start).get("steps", 0))
    elif start is not None:
        earlier = torch.load(start)
        model.load_state_dict(earlier["averaged"])
        before = int(earlier["total"])
        kept_norms = earlier.get("kept_norms", False)
    averaged = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)
    first = 0
    state_path = out / "state.pt"
    if state_path.exists():
        state = torch.load(state_path)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        first = state["step"]
    if kept_norms:
        freeze_norms(model)
    teaching = model_of_file(teacher) if teacher else None
    losses: list[float] = []
    began_s = time.monotonic()
    for step, batch in enumerate(examples(source, seed, first, steps), start=first):
        done = step / steps
        warm = rate * min(1.0, (step + 1) / WARM_UP_STEPS)
        for group in optimiser.param_groups:
            group["lr"] = warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done)))
        curves = torch.from_numpy(np.stack([e.curves for e in batch]))
        classes = torch.from_numpy(np.stack([e.classes for e in batch]))
        shares = functional.one_hot(classes, len(PHONE_CLASSES)).float()
        if teaching is not None:
            curves, shares = taught(teaching, batch, curves, shares)
        loss = loss_of(
            model(torch.from_numpy(np.stack([e.log_mel for e in batch]))),
            curves,
            classes,
            torch.from_numpy(np.stack([e.voiced for e in batch])).float(),
            shares,
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        _average(averaged, model, min(AVERAGING, step / (step + 10.0)))
        losses.append(loss.item())
        if (step + 1) % REPORT_STEPS == 0 or step + 1 == steps:
            pace_s = (time.monotonic() - began_s) / (step + 1 - first)
            said = f"{step + 1:6d}  {pace_s:.2f} s  loss {np.mean(losses[-REPORT_STEPS:]):.4f}"
            if (step + 1) % SAVE_STEPS == 0 or step + 1 == steps:
                figures = progress(averaged, rows, held_out) if step + 1 == steps else {}
                said += "".join(f"  {name} {value:.3f}" for name, value in figures.items())
                place = {"step": step + 1, "total": before + step + 1, "seed": seed, "rows": length}
                place["kept_norms"] = kept_norms
                if figures:
                    (out / "progress.json").write_text(json.dumps(figures, indent=1))
                _keep(state_path, model, averaged, optimiser, place)
            print(said, flush=True)
    return averaged


def _average(averaged: nn.Module, model: nn.Module, share: float) -> None:
    with torch.no_grad():
        for kept, new in zip(
            averaged.state_dict().values(), model.state_dict().values(), strict=True
        ):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1.0 - share)
            else:
                kept.copy_(new)


def _keep(
    path: Path,
    model: nn.Module,
    averaged: nn.Module,
    optimiser: torch.optim.Optimizer,
    place: dict[str, int],
) -> None:
    part = path.with_suffix(".part")
    torch.save(
        {
            "model": model.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "random": torch.get_rng_state(),
            **place,
        },
        part,
    )
    part.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path, nargs="+", help="folders of training.features")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=Path, help="state.pt, or network file, to begin with")
    parser.add_argument("--rate", type=float, default=RATE, help="of learning")
    parser.add_argument("--rows", type=int, default=EXAMPLE_ROWS, help="of an example")
    parser.add_argument("--teacher", type=Path, help="network file whose word counts, too")
    parser.add_argument("--threads", type=int, help="of PyTorch; sums differ with their number")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    rows = joined([read(folder) for folder in wanted.features])
    print(f"{len(rows.starts) - 1} utterances, {rows.starts[-1] / 360_000:.2f} h", flush=True)
    if wanted.threads:
        torch.set_num_threads(wanted.threads)
    fit(
        rows,
        wanted.out,
        wanted.steps,
        wanted.seed,
        wanted.start,
        wanted.rate,
        wanted.rows,
        wanted.teacher,
    )


if __name__ == "__main__":
    main()
