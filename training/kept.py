"""Kept weights: a network in PyTorch again, from the file that the product runs.

Flow      first_generation.onnx, third_generation.onnx -> kept -> training.fit, training.export

The first generation's weights can be made no more (its data changed amid the run), the third
generation's only by the recipe of decision 76. Both are here, byte for byte: training goes on from
the third, and the first one teaches. In the file each batch norm is part of the
convolution before it; so the norms of the network made here do nothing, and have to stay so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from training.network import ArticulationModel

FIRST_GENERATION: Final = Path(__file__).with_name("first_generation.onnx")
THIRD_GENERATION: Final = Path(__file__).with_name("third_generation.onnx")


def model_of_file(path: Path) -> ArticulationModel:
    """The network of a file that training.export wrote, in evaluation mode."""
    graph = onnx.load(path).graph
    weights = {
        weight.name.removesuffix(".half"): numpy_helper.to_array(weight).astype(np.float32)
        for weight in graph.initializer
    }
    model = ArticulationModel()
    modules = dict(model.named_modules())
    with torch.no_grad():
        for node in graph.node:
            if node.op_type != "Conv":
                continue
            module = modules[_module_name(node.name)]
            assert isinstance(module, nn.Conv1d)
            module.weight.copy_(torch.from_numpy(weights[node.input[1]]))
            assert module.bias is not None
            module.bias.copy_(torch.from_numpy(weights[node.input[2]]))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                # the norm divides by the root of 1 + eps
                module.weight.fill_((1.0 + module.eps) ** 0.5)
    model.eval()
    return model


def onnx_notes(path: Path) -> dict[str, str]:
    """What training.export noted in a file."""
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def freeze_norms(model: nn.Module) -> None:
    """Training mode for all but the batch norms, which keep doing nothing."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()
            module.requires_grad_(False)


def _module_name(node: str) -> str:
    """ "/model/body/body.0/look/Conv" is of the module "body.0.look"; "/model/up/Conv" of "up"."""
    parts = node.strip("/").split("/")[1:-1]
    return ".".join(parts[1:]) if len(parts) > 1 else parts[0]
