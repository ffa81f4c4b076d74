import os

from benchmarks.machine import this_machine


def test_all_cores_together_are_no_faster_than_their_number():
    machine = this_machine()
    cores = len(os.sched_getaffinity(0))
    assert machine.cores == cores
    assert 0.2 * cores < machine.parallel_gain < 1.3 * cores
    assert f"{machine.parallel_gain:.1f} times" in machine.sentence()
