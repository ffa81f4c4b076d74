"""Measures on finished videos, and a report to look at.

Flow      inputs -> Studio -> head, mouth, people, picture -> report

    python -m benchmarks.quality -o out/quality [--quick] [--only PART ...]

What it shows of people stays in OUT, which is not part of the repository.
"""
