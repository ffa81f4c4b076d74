import numpy as np

from benchmarks.sheets import (
    COLUMNS,
    EYE_POSES,
    FACE_POSES,
    LABEL_PX,
    LARGE,
    MOUTH_POSES,
    Window,
    control_row,
    pose_sheets,
    sheet,
    shrunk,
)
from benchmarks.speed import demo_portrait
from portravox.animation.controls import CONTROLS
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes


def test_every_pose_is_made_of_controls():
    for poses in (MOUTH_POSES, EYE_POSES, FACE_POSES):
        for pose in poses.values():
            assert np.count_nonzero(control_row(pose)) == len(pose)
    assert control_row({"jaw": 0.5})[CONTROLS.index("jaw")] == 0.5


def test_a_cell_is_shown_pixel_for_pixel_and_four_times():
    rng = np.random.default_rng(0)
    cells = {name: rng.integers(0, 255, (6, 40, 3), np.uint8) for name in "abc"}
    once, large = sheet(cells, 2), sheet(cells, 2, LARGE)
    np.testing.assert_array_equal(once[LABEL_PX : LABEL_PX + 6, :40], cells["a"])
    shown = large[LABEL_PX : LABEL_PX + 6 * LARGE : LARGE, : 40 * LARGE : LARGE]
    np.testing.assert_array_equal(shown, cells["a"])
    assert once.shape[0] == 2 * (6 + LABEL_PX + 2)  # three cells, two to a row


def test_large_cells_are_shrunk_and_small_ones_are_left():
    cells = {"large": np.zeros((200, 100, 3), np.uint8), "small": np.zeros((10, 8, 3), np.uint8)}
    smaller = shrunk(cells, 50)
    assert smaller["large"].shape == (50, 25, 3)
    assert smaller["small"].shape == (10, 8, 3)


def test_the_first_cell_of_each_sheet_is_the_photograph(tmp_path):
    pixels = demo_portrait()
    head = pose_sheets(Picture(pixels), tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == [
        "eyes_1to1.png",
        "eyes_4to1.png",
        "face.png",
        "mouth_1to1.png",
        "mouth_4to1.png",
    ]
    faces = read_picture(tmp_path / "face.png").pixels
    expected = next(iter(shrunk({"photograph": head.cut(Planes.of(pixels).rgb())}, 360).values()))
    height, width = expected.shape[:2]
    np.testing.assert_array_equal(faces[LABEL_PX : LABEL_PX + height, :width], expected)
    assert faces.shape[1] == COLUMNS["face"] * (width + 2)


def test_a_window_keeps_to_its_edges():
    frame = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert Window(1, 2, 3, 4).cut(frame).tolist() == frame[2:4, 1:3].tolist()
