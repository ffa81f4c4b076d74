"""The network: what PyTorch trains and onnxruntime runs.

Flow      training.fit -> network -> training.export

Convolutions only, so that a long recording can be processed in pieces with the same result. The
body works at 50 rows a second: articulation is slow, and half the rows are half the work. A path
around it keeps the 10 ms of bursts and closures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from portravox.articulation.phones import PHONE_CLASSES
from portravox.speech.mel import BANDS
from training.targets import CURVES

FINE, BODY, HEAD = 112, 160, 112
"""Channels before, in and after the body."""

DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8, 16)
DROPOUT = 0.1

CONTEXT_ROWS = 2 * sum(DILATIONS) + 2 + 1 + 2 + 3
"""How far, in rows of 10 ms and at most, an output looks to each side: the body in twos, and the
convolutions of 5, 4 and 3 rows around it, rounded up to whole pairs."""


class Block(nn.Module):
    """Residual: look around, then mix."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.look = nn.Conv1d(BODY, BODY, 3, padding=dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(BODY)
        self.mix = nn.Conv1d(BODY, BODY, 1)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, rows: Tensor) -> Tensor:
        seen = torch.relu(self.norm(self.look(rows)))
        mixed: Tensor = rows + self.mix(self.drop(seen))
        return mixed


class ArticulationModel(nn.Module):
    """Normalised log-mel rows -> curves, class and voice scores (before sigmoid or softmax)."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            nn.Conv1d(BANDS, FINE, 5, padding=2), nn.BatchNorm1d(FINE), nn.ReLU()
        )
        self.down = nn.Sequential(
            nn.Conv1d(FINE, BODY, 4, stride=2, padding=1), nn.BatchNorm1d(BODY), nn.ReLU()
        )
        self.body = nn.Sequential(*(Block(dilation) for dilation in DILATIONS))
        self.up = nn.Conv1d(BODY, 2 * HEAD, 1)
        self.merge = nn.Sequential(
            nn.Conv1d(HEAD + FINE, HEAD, 3, padding=1), nn.BatchNorm1d(HEAD), nn.ReLU()
        )
        self.drop = nn.Dropout(DROPOUT)
        self.curves = nn.Conv1d(HEAD, len(CURVES), 1)
        self.classes = nn.Conv1d(HEAD, len(PHONE_CLASSES), 1)
        self.voice = nn.Conv1d(HEAD, 2, 1)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, BANDS), T even -> (B, T, 7), (B, T, classes), (B, T, 2)."""
        fine = self.fine(log_mel.transpose(1, 2))
        body = self.up(self.body(self.down(fine)))
        batch, _, halves = body.shape
        # two rows of HEAD channels out of each row of the body
        whole = body.reshape(batch, HEAD, 2, halves).transpose(2, 3).reshape(batch, HEAD, -1)
        merged = self.drop(self.merge(torch.cat([whole, fine], dim=1)))
        return (
            self.curves(merged).transpose(1, 2),
            self.classes(merged).transpose(1, 2),
            self.voice(merged).transpose(1, 2),
        )


class Spoken(nn.Module):
    """The model as the product runs it: probabilities, any number of rows."""

    def __init__(self, model: ArticulationModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count = log_mel.shape[1]
        # one more row than needed: an odd count becomes even
        padded = torch.cat([log_mel, log_mel[:, -1:]], dim=1)
        curves, classes, voice = self.model(padded[:, : (count + 1) // 2 * 2])
        return (
            torch.sigmoid(curves[:, :count]),
            torch.softmax(classes[:, :count], dim=-1),
            torch.sigmoid(voice[:, :count]),
        )
