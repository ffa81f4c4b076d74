"""Export: the trained network as the product runs it.

Flow      training.fit -> export -> portravox/articulation/articulation_model.onnx

Large weights are kept in 16 bits and widened once when the file is read: half the size, and the
outputs differ by less than a thousandth.

    python -m training.export RUN [-o FILE] [--share S]
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from training.fit import BATCH
from training.kept import THIRD_GENERATION, model_of_file
from training.network import CONTEXT_ROWS, ArticulationModel, Spoken
from training.targets import ROW_S

OPSET = 17
OUTPUTS = ("curves", "classes", "voice")
LARGE = 1024
MODEL = (
    Path(__file__).resolve().parents[1] / "portravox" / "articulation" / "articulation_model.onnx"
)


def export(model: ArticulationModel, path: Path, notes: dict[str, str]) -> str:
    """Write the file; its SHA-256.

    notes  kept in the file beside `context_rows`
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old exporter warns that it is the old one
        torch.onnx.export(
            Spoken(model).eval(),
            (torch.zeros(1, 301, 80),),
            str(path),
            input_names=["log_mel"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {1: "rows"} for name in ("log_mel", *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    _halve(model)
    for key, value in {"context_rows": str(CONTEXT_ROWS), **notes}.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _halve(model: onnx.ModelProto) -> None:
    """Large float32 weights as float16 and a cast each."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        name = weight.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def mixed(old: ArticulationModel, new: ArticulationModel, share: float) -> ArticulationModel:
    """A network between two: each weight is `share` of the new one's, the rest the old one's.

    Of networks of which one went on from the other, such a mean keeps more of what the old one
    knew than it loses of what the new one learnt (Wortsman et al., Robust fine-tuning, CVPR 2022).
    """
    weights = old.state_dict()
    for name, value in new.state_dict().items():
        if value.dtype.is_floating_point:
            weights[name] = weights[name].lerp(value, share)
    between = ArticulationModel()
    between.load_state_dict(weights)
    return between


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=MODEL)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the run; the rest is the third generation"
    )
    parser.add_argument("--licences", default="all", help="which voices the corpus has")
    wanted = parser.parse_args()
    model = ArticulationModel()
    state = torch.load(wanted.run / "state.pt")
    model.load_state_dict(state["averaged"])
    if wanted.share < 1.0:
        model = mixed(model_of_file(THIRD_GENERATION), model, wanted.share)
    notes = {
        "steps": str(state["total"]),
        "last_steps": str(state["step"]),
        "seed": str(state["seed"]),
        "batch": str(BATCH),
        "example_s": f"{state['rows'] * ROW_S:.2f}",
        "licences": wanted.licences,
        "share": str(wanted.share),
    }
    checksum = export(model, wanted.out, notes)
    print(f"{wanted.out}: {wanted.out.stat().st_size / 1e6:.2f} MB, SHA-256 {checksum}")


if __name__ == "__main__":
    main()
