from __future__ import annotations

import numpy as np

from portravox.arrays import UInt8
from portravox.engines.embedded import EmbeddedEngine
from portravox.media.picture import Picture
from portravox.options import Direction
from portravox.render.upright import SIDE_PX


def test_odd_pictures_lose_a_row_and_a_column(photo: UInt8) -> None:
    avatar = EmbeddedEngine().register(Picture(np.ascontiguousarray(photo[:511, :509])))
    assert avatar.frame_size(Direction()) == (508, 510)
    assert avatar.frame_size(Direction(paste_back=False))[0] >= SIDE_PX[0]
