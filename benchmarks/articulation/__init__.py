"""How well the curves follow real speech, beside plainer ears, in one run.

Flow      ../shared/samples -> sentences, faces, languages -> baselines -> measures -> tables

    python -m benchmarks.articulation [SAMPLES] [--quick] [--only ...] [-o out/articulation]

The phone times of the aligned sentences are wrong by 20-50 ms themselves, and lips do much that
cannot be heard: the figures compare ways to hear with each other; none can reach 1.
"""

from benchmarks.articulation.english import score

__all__ = ["score"]
