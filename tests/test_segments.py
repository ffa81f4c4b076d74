import numpy as np

from portravox.segments import segments


def test_segments_put_together_give_the_mask():
    mask = np.random.default_rng(2).random(200) > 0.4
    again = np.zeros_like(mask)
    for segment in segments(mask):
        assert mask[segment].all()
        again[segment] = True
    assert np.array_equal(mask, again)


def test_edges():
    assert segments(np.array([], dtype=np.bool_)) == []
    assert segments(np.array([True, True])) == [slice(0, 2)]
    assert segments(np.array([False, True, False])) == [slice(1, 2)]
