"""Write down what MediaPipe gives for the demo's portrait: `make equality` does it.

Run as `python -m tests.face.record_mediapipe` where mediapipe is installed.
"""

from __future__ import annotations

import numpy as np

from portravox.demo import demo_portrait
from portravox.media.picture_file import read_picture
from tests.face import mediapipe_reference as reference
from tests.face.recorded import RECORDED, looks


def main() -> None:
    pixels = read_picture(demo_portrait()).pixels
    crop, small = looks(pixels)
    recorded = {}
    for name, far in (("near", False), ("far", True)):
        (face,) = reference.detect_faces(pixels, far=far)
        edges = [face.box.x0, face.box.y0, face.box.x1, face.box.y1, face.score]
        recorded[name] = np.array(edges, np.float64)
        recorded[f"{name}_keypoints"] = face.keypoints
    recorded["mesh"], score = reference.fit_mesh(crop)
    recorded["mesh_score"] = np.array(score)
    recorded["mask"] = np.rint(reference.segment_person(small) * 255.0).astype(np.uint8)
    np.savez_compressed(RECORDED, **recorded)


if __name__ == "__main__":
    main()
