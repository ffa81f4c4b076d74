"""Of what needs PyTorch; skipped in the product's own environment."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed for training only")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx", reason="needs the training environment")

from portravox.articulation.phones import PHONE_CLASSES  # noqa: E402
from training.augment import Example  # noqa: E402
from training.export import export, mixed  # noqa: E402
from training.fit import loss_of, taught  # noqa: E402
from training.kept import FIRST_GENERATION, model_of_file  # noqa: E402
from training.network import CONTEXT_ROWS, ArticulationModel, Spoken  # noqa: E402
from training.targets import CURVES  # noqa: E402


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


def test_a_bite_in_the_breath_of_an_h_costs_more_than_in_a_vowel() -> None:
    curves = torch.zeros(1, 50, 7)
    bitten = torch.full((1, 50, 7), -6.0)
    bitten[:, 20:30, CURVES.index("labiodental")] = 6.0

    def cost(phone: str) -> float:
        classes = torch.full((1, 50), PHONE_CLASSES.index(phone))
        outputs = bitten, torch.zeros(1, 50, 34), torch.zeros(1, 50, 2)
        return float(loss_of(outputs, curves, classes, torch.ones(1, 50)))

    assert cost("h") > 1.3 * cost("a")


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


def test_kept_weights_say_what_their_file_says() -> None:
    model = Spoken(model_of_file(FIRST_GENERATION)).eval()
    log_mel = np.random.default_rng(5).standard_normal((1, 120, 80)).astype(np.float32)
    session = onnxruntime.InferenceSession(
        str(FIRST_GENERATION), providers=["CPUExecutionProvider"]
    )
    with torch.no_grad():
        ours = model(torch.from_numpy(log_mel))
    for mine, theirs in zip(ours, session.run(None, {"log_mel": log_mel}), strict=True):
        assert np.allclose(mine.numpy(), theirs, atol=1e-4)


def test_a_mixed_network_lies_between_its_two() -> None:
    old = model_of_file(FIRST_GENERATION)
    torch.manual_seed(4)
    new = model_of_file(FIRST_GENERATION)
    with torch.no_grad():
        for weight in new.parameters():
            weight.add_(0.01 * torch.randn_like(weight))
    rows = torch.randn(1, 60, 80)
    with torch.no_grad():
        outputs = [mixed(old, new, share).eval()(rows)[0] for share in (0.0, 0.5, 1.0)]
        assert torch.allclose(outputs[0], old(rows)[0], atol=1e-5)
        assert torch.allclose(outputs[2], new.eval()(rows)[0], atol=1e-5)
    assert not torch.allclose(outputs[1], outputs[0], atol=1e-3)


def test_a_teacher_changes_only_what_it_may() -> None:
    def example(may: bool) -> Example:
        rng = np.random.default_rng(6)
        spectrum = rng.standard_normal((40, 80)).astype(np.float32)
        return Example(
            spectrum,
            np.zeros((40, 7), dtype=np.float32),
            np.zeros(40, dtype=np.int64),
            np.zeros(40, dtype=np.bool_),
            spectrum,
            may,
        )

    batch = [example(False), example(True)]
    curves = torch.zeros(2, 40, 7)
    shares = torch.nn.functional.one_hot(torch.zeros(2, 40, dtype=torch.long), 34).float()
    new_curves, new_shares = taught(model_of_file(FIRST_GENERATION), batch, curves, shares)
    assert torch.equal(new_curves[0], curves[0])
    assert torch.equal(new_shares[0], shares[0])
    assert not torch.equal(new_curves[1], curves[1])
    assert torch.allclose(new_shares[1].sum(dim=-1), torch.ones(40), atol=1e-5)
