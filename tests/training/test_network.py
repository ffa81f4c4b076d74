"""Of what needs PyTorch; skipped in the product's own environment."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed for training only")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx", reason="needs the training environment")

from training.export import export  # noqa: E402
from training.fit import loss_of  # noqa: E402
from training.network import CONTEXT_ROWS, ArticulationModel, Spoken  # noqa: E402


def test_rows_depend_on_their_surroundings_only() -> None:
    torch.manual_seed(1)
    spoken = Spoken(ArticulationModel()).eval()
    rows = torch.zeros(1, 601, 80)
    changed = rows.clone()
    changed[0, 300] = 3.0
    with torch.no_grad():
        apart = (spoken(rows)[0] - spoken(changed)[0]).abs().amax(dim=2)[0]
    touched = torch.nonzero(apart).flatten()
    assert touched.min() >= 300 - CONTEXT_ROWS
    assert touched.max() <= 300 + CONTEXT_ROWS
    assert apart[300] > 0.0


@pytest.mark.parametrize("rows", [1, 2, 7, 300])
def test_the_exported_file_says_the_same(tmp_path: Path, rows: int) -> None:
    torch.manual_seed(2)
    model = ArticulationModel()
    path = tmp_path / "articulation_model.onnx"
    export(model, path, {"steps": "0"})
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["context_rows"] == str(CONTEXT_ROWS)
    log_mel = np.random.default_rng(3).standard_normal((1, rows, 80)).astype(np.float32)
    with torch.no_grad():
        expected = Spoken(model).eval()(torch.from_numpy(log_mel))
    for name, ours, theirs in zip(
        ("curves", "classes", "voice"),
        expected,
        session.run(None, {"log_mel": log_mel}),
        strict=True,
    ):
        assert theirs.shape[1] == rows, name
        assert np.allclose(ours.numpy(), theirs, atol=2e-3), name


def test_right_answers_cost_less_than_wrong_ones() -> None:
    curves = torch.zeros(1, 50, 7)
    curves[:, 20:30, 4] = 1.0
    classes = torch.zeros(1, 50, dtype=torch.long)
    classes[:, 20:30] = 2
    voiced = (classes > 0).float()

    def cost(curve_scores: torch.Tensor, class_scores: torch.Tensor) -> float:
        voice_scores = 8.0 * torch.stack([voiced, voiced], dim=-1) - 4.0
        return float(loss_of((curve_scores, class_scores, voice_scores), curves, classes, voiced))

    right = 12.0 * curves - 6.0
    named = 8.0 * torch.nn.functional.one_hot(classes, 34).float()
    missed = torch.full_like(right, -6.0)
    assert cost(right, named) < cost(missed, named)
    assert cost(right, named) < cost(right, torch.zeros_like(named))
