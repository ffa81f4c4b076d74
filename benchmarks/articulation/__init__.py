"""How well the curves follow real speech, beside plainer methods, in one run.

Flow      ../shared/samples -> sentences, faces, languages -> baselines -> measures -> tables

    python -m benchmarks.articulation [SAMPLES] [--quick] [--only ...] [-o out/articulation]

The phone times of the aligned sentences are wrong by 20-50 ms themselves, and lips do much that
makes no sound: the figures compare methods with each other; none can reach 1.
"""

from benchmarks.articulation.english import score

__all__ = ["score"]
