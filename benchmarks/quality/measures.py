"""Numbers from the motion of a face: blinks, brows, steadiness, lag, correlation.

Flow      benchmarks.tracking -> measures -> expression, head, mouth, people, picture
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import detrend

from portravox.arrays import Float64

BLINK_BELOW = 0.6
"""Of the open eye: where the lids dip below, it is a blink."""

BLINK_OVER = 0.8
"""Of the open eye: where a blink ends. Between two dips the eye must open so far."""

OPEN_PERCENTILE = 75.0
"""Eyes are shut less than a quarter of the time, and the widest moments are surprise."""

BLINK_REACH_S = 0.12
"""Around a blink the lids are not counted as open."""

LAG_RATE_HZ = 100
LARGEST_LAG_S = 0.3

SMOOTH_S = 0.08
"""Reach of the bell that head angles are averaged under, each way: less than a nod of 0.25 s."""

STILL_SHARE = 0.3
"""The slowest frames count as still."""


@dataclass(frozen=True, slots=True, eq=False)
class BlinkCount:
    """The blinks in one video."""

    frames: tuple[int, ...]
    """Where each is deepest."""

    depths: Float64
    """(B,) opening at the deepest frame, as a share of the open eye, mean of both eyes."""

    duration_s: float

    @property
    def per_minute(self) -> float:
        return 60.0 * len(self.frames) / self.duration_s


def find_blinks(lid_opening: Float64, fps: float) -> BlinkCount:
    """Count the dips of the lids.

    lid_opening  (T, 2)
    """
    both = lid_opening.mean(axis=1)
    relative = both / np.percentile(both, OPEN_PERCENTILE)
    deepest: list[int] = []
    inside = False
    for frame, opening in enumerate(relative):
        if not inside and opening < BLINK_BELOW:
            inside = True
            deepest.append(frame)
        elif inside and opening > BLINK_OVER:
            inside = False
        elif inside and opening < relative[deepest[-1]]:
            deepest[-1] = frame
    return BlinkCount(tuple(deepest), relative[deepest], len(relative) / fps)


@dataclass(frozen=True, slots=True)
class HeadMotion:
    """How much and how fast a head turns."""

    std_deg: tuple[float, float, float]
    """yaw, pitch, roll"""

    largest_deg: float
    """Furthest from the first frame, any axis."""

    speed_p95_deg_s: float
    """95th percentile of the angular speed, all axes together."""


def head_motion(head_deg: Float64, fps: float) -> HeadMotion:
    """From (T, 3) angles, yaw, pitch and roll."""
    smooth = np.stack([_smooth(axis, fps) for axis in head_deg.T], axis=1)
    speed = np.diff(smooth, axis=0) * fps
    std = smooth.std(axis=0)
    return HeadMotion(
        std_deg=(float(std[0]), float(std[1]), float(std[2])),
        largest_deg=float(np.abs(smooth - smooth[0]).max()),
        speed_p95_deg_s=float(np.percentile(np.linalg.norm(speed, axis=1), 95.0)),
    )


def _smooth(values: Float64, fps: float) -> Float64:
    """Averaged over about SMOOTH_S, against the tracker's noise."""
    reach = max(1, round(SMOOTH_S * fps))
    bell = np.hanning(2 * reach + 3)[1:-1]
    smooth: Float64 = np.convolve(np.pad(values, reach, mode="edge"), bell / bell.sum(), "valid")
    return smooth


@dataclass(frozen=True, slots=True)
class Jitter:
    """Trembling in still moments, in thousandths of the face's width."""

    place: float
    """Of points on the skull, against the straight line between the frames before and after."""

    shape: float
    """What is left of it when the whole head's shift, turn and scale are taken out."""


def jitter(skull: Float64) -> Jitter:
    """From (T, P, 2) points on the skull, in face widths."""
    before, here, after = skull[:-2], skull[1:-1], skull[2:]
    speed = np.linalg.norm((after - before).mean(axis=1), axis=1)
    still = speed <= np.quantile(speed, STILL_SHARE)
    bent = (here - (before + after) / 2)[still]
    centred = skull - skull.mean(axis=1, keepdims=True)
    reference = centred.mean(axis=0)
    aligned = np.stack([_aligned(points, reference) for points in centred])
    wobble = (aligned[1:-1] - (aligned[:-2] + aligned[2:]) / 2)[still]
    return Jitter(place=1000.0 * _rms(bent), shape=1000.0 * _rms(wobble))


def jitter_everywhere(face: Float64) -> float:
    """Trembling of all of a face's points, each in the moments in which it is stillest itself.

    A point on the lip is still in pauses, one on the brow between two lifts. The median over the
    points, in thousandths of the face's width.

    face  (T, P, 2) in face widths
    """
    before, here, after = face[:-2], face[1:-1], face[2:]
    speed = np.linalg.norm(after - before, axis=2)  # (T - 2, P)
    still = speed <= np.quantile(speed, STILL_SHARE, axis=0)
    bent = ((here - (before + after) / 2) ** 2).sum(axis=2)
    each = np.sqrt((bent * still).sum(axis=0) / still.sum(axis=0))
    return 1000.0 * float(np.median(each))


@dataclass(frozen=True, slots=True)
class UpperFace:
    """What brows and lids do. Lengths in thousandths of the distance of the outer eye corners."""

    brow_std: float
    """Of the height of both brows."""

    brow_range: float
    """From the 5th to the 95th percentile."""

    brow_skew_std: float
    """Of the difference between right and left."""

    brow_speed_p95: float
    """Per second."""

    lid_std: float
    """Of the opening outside blinks, as a share of the open eye."""


def upper_face(brow_height: Float64, lid_opening: Float64, fps: float) -> UpperFace:
    """From (T, 2) heights of the brows and (T, 2) openings of the eyes."""
    left, right = (1000.0 * _smooth(brow, fps) for brow in brow_height.T)
    both = (left + right) / 2
    relative = lid_opening.mean(axis=1) / np.percentile(lid_opening.mean(axis=1), OPEN_PERCENTILE)
    reach = round(BLINK_REACH_S * fps)
    blinking = np.convolve(relative < BLINK_OVER, np.ones(2 * reach + 1), "same") > 0
    return UpperFace(
        brow_std=float(both.std()),
        brow_range=spread(both),
        brow_skew_std=float((right - left).std()),
        brow_speed_p95=float(np.percentile(np.abs(np.diff(both)) * fps, 95.0)),
        lid_std=float(relative[~blinking].std()),
    )


def band_deg(head_deg: Float64, fps: float, band_hz: tuple[float, float]) -> float:
    """Root mean square of what a head turns within a band of frequencies, all axes together.

    head_deg  (T, 3)
    """
    frequencies_hz = np.fft.rfftfreq(len(head_deg), 1.0 / fps)
    outside = (frequencies_hz < band_hz[0]) | (frequencies_hz >= band_hz[1])
    spectrum = np.fft.rfft(detrend(head_deg, axis=0), axis=0)
    spectrum[outside] = 0.0
    moved = np.fft.irfft(spectrum, len(head_deg), axis=0)
    return float(np.sqrt((moved**2).sum(axis=1).mean()))


def _aligned(points: Float64, reference: Float64) -> Float64:
    """(P, 2) turned and scaled onto (P, 2), both centred, with least squares."""
    a, b = points[:, 0] + 1j * points[:, 1], reference[:, 0] + 1j * reference[:, 1]
    turned = a * (np.vdot(a, b) / np.vdot(a, a))
    return np.stack([turned.real, turned.imag], axis=1)


def _rms(displacements: Float64) -> float:
    return float(np.sqrt((displacements**2).sum(axis=-1).mean()))


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two curves run."""

    r: float
    """Correlation at the same moment."""

    best_r: float
    """The largest within LARGEST_LAG_S."""

    lag_s: float
    """Where that is; positive: the second curve comes after the first."""


def likeness(first: Float64, first_s: Float64, second: Float64, second_s: Float64) -> Likeness:
    """Correlate two curves given at moments of their own, over the time that both cover.

    0 where one of them does not move.
    """
    begin_s, end_s = max(first_s[0], second_s[0]), min(first_s[-1], second_s[-1])
    times_s = np.arange(begin_s, end_s, 1.0 / LAG_RATE_HZ)
    a, b = np.interp(times_s, first_s, first), np.interp(times_s, second_s, second)
    reach = round(LARGEST_LAG_S * LAG_RATE_HZ)
    values = [_correlation(a, b, lag) for lag in range(-reach, reach + 1)]
    best = int(np.argmax(values))
    return Likeness(values[reach], values[best], (best - reach) / LAG_RATE_HZ)


def _correlation(a: Float64, b: Float64, lag: int) -> float:
    """Of a(t) with b(t + lag)."""
    first = a[max(0, -lag) : len(a) - max(0, lag)]
    second = b[max(0, lag) : len(b) - max(0, -lag)]
    if min(first.std(), second.std()) < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def spread(values: Float64) -> float:
    """From the 5th to the 95th percentile."""
    low, high = np.percentile(values, (5.0, 95.0))
    return float(high - low)
