import numpy as np

from benchmarks.encoding import VARIANTS, ssim
from portravox.media.encode import QUALITIES, x264_crf, x264_params


def test_a_picture_is_like_itself_and_less_like_a_noisy_copy() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    assert ssim(picture, picture) > 0.999
    noisy = np.clip(picture + np.random.default_rng(1).normal(0, 40, picture.shape), 0, 255)
    assert ssim(picture, noisy.astype(np.uint8)) < 0.95


def test_what_stands_as_standard_is_what_videos_get() -> None:
    standard = QUALITIES["standard"]
    assert VARIANTS["standard"] == (x264_crf(standard), "")
    assert "mbtree=0:ipratio=3:pbratio=1.5" in x264_params(standard)
    assert "ipratio" not in x264_params(QUALITIES["high"]) + x264_params(QUALITIES["draft"])
