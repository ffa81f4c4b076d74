"""What is resolved at load changes nothing but the number of operations."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
functional = torch.nn.functional

from portravox.engines.neural.decode import convolved_after_enlarging, phase_kernels  # noqa: E402
from portravox.engines.neural.tensors import (  # noqa: E402
    folded_convolution,
    multiple_of_8,
    padded_channels,
    same_convolution,
    without_spectral_norm,
)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)


@pytest.mark.parametrize("axes", [2, 3])
def test_a_folded_batch_norm_is_the_convolution_and_then_the_norm(axes: int) -> None:
    weights = {
        "conv.weight": torch.randn(5, 4, *[3] * axes),
        "conv.bias": torch.randn(5),
        "norm.weight": torch.rand(5) + 0.5,
        "norm.bias": torch.randn(5),
        "norm.running_mean": torch.randn(5),
        "norm.running_var": torch.rand(5) + 0.1,
    }
    x = torch.randn(2, 4, *[6] * axes)
    convolve = functional.conv2d if axes == 2 else functional.conv3d
    apart = functional.batch_norm(
        convolve(x, weights["conv.weight"], weights["conv.bias"], padding=1),
        *(weights[f"norm.{name}"] for name in ("running_mean", "running_var", "weight", "bias")),
    )
    together = same_convolution(x, folded_convolution(weights, "conv", "norm"))
    assert (together - apart).abs().max() < 2e-5 * apart.abs().max()


def test_a_resolved_spectral_norm_is_what_pytorch_computes_with() -> None:
    layer = torch.nn.Conv2d(6, 5, 3)
    torch.nn.utils.spectral_norm(layer).eval()
    weights = {f"layer.{name}": tensor for name, tensor in layer.state_dict().items()}
    x = torch.randn(1, 6, 8, 8)
    ours = functional.conv2d(x, without_spectral_norm(weights, "layer"), layer.bias)
    assert (ours - layer(x)).abs().max() < 1e-5


@pytest.mark.parametrize("times", [2, 4])
def test_a_convolution_before_an_enlargement_is_the_one_behind_it(times: int) -> None:
    x, kernel = torch.randn(2, 5, 6, 7), (torch.randn(3, 5, 3, 3), torch.randn(3))
    large = functional.interpolate(x, scale_factor=times, mode="nearest")
    wanted = same_convolution(large, kernel)
    small = phase_kernels(kernel, times)
    assert (convolved_after_enlarging(x, small, times) - wanted).abs().max() < 2e-5


def test_padding_appends_zeros_up_to_a_multiple_of_8() -> None:
    assert [multiple_of_8(count) for count in (22, 110, 142, 144)] == [24, 112, 144, 144]
    padded = padded_channels(torch.ones(2, 3), 1, 8)
    assert padded.shape == (2, 8)
    assert padded.sum(dim=1).tolist() == [3.0, 3.0]
