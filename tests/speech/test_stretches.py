import numpy as np

from portravox.speech.stretches import stretches


def test_stretches_put_together_give_the_mask():
    mask = np.random.default_rng(2).random(200) > 0.4
    again = np.zeros_like(mask)
    for stretch in stretches(mask):
        assert mask[stretch].all()
        again[stretch] = True
    assert np.array_equal(mask, again)


def test_edges():
    assert stretches(np.array([], dtype=np.bool_)) == []
    assert stretches(np.array([True, True])) == [slice(0, 2)]
    assert stretches(np.array([False, True, False])) == [slice(1, 2)]
