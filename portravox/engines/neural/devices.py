"""Where the networks run: what there is, what was asked for, and what is said about it.

Flow      PORTRAVOX_DEVICE -> devices -> engine ; cli.doctor, service

A processor takes seconds for a frame. It is used when it is asked for, and never in silence.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import torch

from portravox.engines.registry import DEVICE
from portravox.errors import EngineUnavailable, PortravoxError, SettingOutOfRange

KINDS = ("cuda", "xpu", "mps", "cpu")
"""What may be named; AMD's cards are `cuda`, too, in PyTorch's builds for them."""


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """One device."""

    name: str
    """As PyTorch calls it: cuda:0."""

    description: str
    """For people."""

    memory_mib: int | None
    """None where it is the machine's own."""

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"

    @property
    def batch(self) -> int:
        """Frames computed together. On a card so many that starting kernels costs little beside
        them; a processor gains nothing. Our choice, unmeasured."""
        return 8 if self.is_gpu else 1

    @property
    def dtype(self) -> torch.dtype:
        """Half precision on a card, whose tensor cores it is for."""
        return torch.float16 if self.is_gpu else torch.float32

    def __str__(self) -> str:
        memory = f", {self.memory_mib} MiB" if self.memory_mib else ""
        return f"{self.name} ({self.description}{memory})"


CPU = ComputeDevice("cpu", "the processor", None)


def graphics_cards() -> tuple[ComputeDevice, ...]:
    """What this build of PyTorch can compute with, beside the processor."""
    found = [
        ComputeDevice(
            f"cuda:{index}",
            torch.cuda.get_device_name(index),
            int(torch.cuda.get_device_properties(index).total_memory) // 2**20,
        )
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    xpu = getattr(torch, "xpu", None)
    if xpu is not None and xpu.is_available():
        found += [
            ComputeDevice(f"xpu:{index}", xpu.get_device_name(index), None)
            for index in range(xpu.device_count())
        ]
    if torch.backends.mps.is_available():
        found.append(ComputeDevice("mps", "Apple's graphics", None))
    return tuple(found)


def chosen_device(asked: str | None = None) -> ComputeDevice:
    """The device that is asked for, or the first graphics card.

    asked   None: what PORTRAVOX_DEVICE says

    Raises SettingOutOfRange for a name that is none, EngineUnavailable where it is not there, or
    where nothing was asked for and there is no card.
    """
    wanted = (asked if asked is not None else os.environ.get(DEVICE, "")).strip().lower()
    kind, index = _kind_and_index(wanted)
    if kind == "cpu":
        return CPU
    cards = graphics_cards()
    fitting = [card for card in cards if not kind or card.name.partition(":")[0] == kind]
    if index:
        fitting = [card for card in fitting if card.name == wanted]
    if not fitting:
        there = ", ".join(map(str, cards)) or f"none that PyTorch {torch.__version__} can use"
        raise EngineUnavailable(
            f"the neural engine finds no {wanted or 'graphics card'}; there is {there}."
            f" {DEVICE}=cpu computes on the processor, which takes seconds for a frame"
        )
    return fitting[0]


def _kind_and_index(wanted: str) -> tuple[str, str]:
    """Of `cuda:1`; each may be empty. Raises SettingOutOfRange."""
    kind, _, index = wanted.partition(":")
    if wanted and (kind not in KINDS or (index and not index.isdecimal())):
        raise SettingOutOfRange(DEVICE, wanted, f"one of {', '.join(KINDS)}, or cuda:1")
    return kind, index


def main() -> int:
    """Print the device that would be taken; status 1, and why, where there is none."""
    try:
        sys.stdout.write(f"{chosen_device()}\n")
    except PortravoxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
