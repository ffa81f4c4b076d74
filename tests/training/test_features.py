import shutil
from pathlib import Path

import numpy as np
import pytest

from training.features import joined, read, rows_of, save
from training.targets import CURVES
from training.utterance import RATE_HZ, Phone, Utterance


def utterance(seed: int, source: str = "flite-slt", style: str = "plain") -> Utterance:
    """A vowel, a silent closure, a vowel: noise with a gap."""
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal(RATE_HZ)
    samples[int(0.45 * RATE_HZ) : int(0.55 * RATE_HZ)] = 0.0
    phones = (Phone("a", 0.0, 0.45), Phone("b", 0.45, 0.55), Phone("a", 0.55, 1.0))
    return Utterance((3000 * samples).astype(np.int16), phones, source, "en", "aba", style)


pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed"
)


def test_rows_line_up_with_the_sound() -> None:
    rows = rows_of([utterance(1), utterance(2, "sung-flite-slt", "sung")], np.random.default_rng(0))
    assert rows.starts.tolist() == [0, 100, 200]
    assert rows.sources.tolist() == ["flite-slt en", "sung-flite-slt en"]
    level_db = rows.clean_db.astype(np.float32).mean(axis=1)
    silent = level_db < level_db.max() - 25.0
    assert silent[147:153].all()
    assert not silent[105:140].any()
    closure = rows.curves[:, CURVES.index("closure")]
    assert closure[147:152].min() == 1.0


def test_parts_are_joined_in_order_and_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = (rows_of([utterance(seed)], rng) for seed in (1, 2))
    save(first, tmp_path / "a.npz")
    save(second, tmp_path / "b.npz")
    both, kept = joined([first, second]), read(tmp_path)
    assert both.starts.tolist() == [0, 100, 200]
    assert np.array_equal(both.clean_db, kept.clean_db)
    assert np.array_equal(both.classes, kept.classes)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"training\.features"):
        read(tmp_path)
