import numpy as np

from portravox.articulation.recent import Recent


def test_only_the_latest_count():
    recent = Recent(100)
    recent.add(np.full(80, 1.0))
    recent.add(np.full(60, 2.0))
    assert len(recent) == 100
    assert recent.percentile(39.0, 0.0) == 1.0
    assert recent.percentile(41.0, 0.0) == 2.0
    recent.add(np.full(1000, 3.0))
    assert recent.percentile(0.0, 0.0) == 3.0


def test_of_nothing_it_is_the_default_and_more_may_be_counted_in():
    recent = Recent(10)
    assert recent.percentile(50.0, 7.0) == 7.0
    assert recent.percentile(50.0, 7.0, np.array([4.0])) == 4.0
    assert len(recent) == 0
