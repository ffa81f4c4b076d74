"""A GIF in needlessly many pieces is refused; any that a program writes is not."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image

from portravox.errors import PictureTooComplex
from portravox.media.gif_file import check_blocks
from tests.fuzz.costly_files import COSTLY


def test_pieces_without_end_are_refused_at_once() -> None:
    content = COSTLY["GIF, comment of 5 million pieces"]()
    start = time.process_time()
    with pytest.raises(PictureTooComplex, match="pieces"):
        check_blocks("p.gif", content)
    assert time.process_time() - start < 0.5


def test_what_a_program_writes_passes_to_its_last_byte() -> None:
    noise = np.random.default_rng(8).integers(0, 256, (600, 600), np.uint8)
    kept = io.BytesIO()
    Image.fromarray(noise).save(kept, "GIF", comment=b"a comment" * 100)
    for size in range(0, len(kept.getvalue()), 9973):
        check_blocks("p.gif", kept.getvalue()[:size])
    check_blocks("p.gif", kept.getvalue())
