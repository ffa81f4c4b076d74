"""The drawings of docs/how-it-works.md: boxes and arrows, readable on light and dark pages.

Flow      DRAWINGS -> svg -> docs/images/drawings

    python -m handbook.drawings        # part of `make doc-pictures`

Each drawing has a ground of its own, so it can be read whatever the page's colours are; the
reader's system chooses between light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs/images/drawings"

COLUMN_PX, ROW_PX = 150, 84
BOX_WIDTH_PX, BOX_HEIGHT_PX = 118, 48
"""Our choice: three words fit into a box."""

_STYLE = """
    .ground { fill: #ffffff; } .box { fill: #eef2fb; stroke: #4a63a8; } .ours { fill: #4a63a8; }
    text { fill: #1c2333; font: 13px system-ui, sans-serif; text-anchor: middle; }
    .note { font-size: 11px; fill: #55607a; } .inverse { fill: #ffffff; }
    path { stroke: #55607a; fill: none; stroke-width: 1.5; } .head { fill: #55607a; stroke: none; }
    .apart { stroke-dasharray: 5 4; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #1b1f2a; } .box { fill: #2a3145; stroke: #8ea6e6; } .ours { fill: #8ea6e6; }
      text { fill: #e8ecf6; } .note { fill: #a9b3c9; } .inverse { fill: #131722; }
      path { stroke: #a9b3c9; } .head { fill: #a9b3c9; }
    }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """Something that is or does, at a column and a row of the drawing."""

    column: float
    row: float
    text: str
    note: str = ""
    filled: bool = False
    """A thing that goes in or comes out, and not a part."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another, by their texts."""

    start: str
    end: str
    note: str = ""
    apart: bool = False
    """Dashed: a border between processes, or something that happens seldom."""


@dataclass(frozen=True, slots=True)
class Drawing:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


DRAWINGS: Mapping[str, Drawing] = {
    "flow": Drawing(
        "From a portrait and a voice to a video",
        (
            Box(0, 0, "voice.wav", filled=True),
            Box(1, 0, "media", "samples"),
            Box(2, 0, "speech", "loudness, pitch"),
            Box(3, 0, "articulation", "100 times a second"),
            Box(4, 0, "animation", "controls per frame"),
            Box(0, 1.5, "face.jpg", filled=True),
            Box(1, 1.5, "media ", "pixels"),
            Box(2, 1.5, "face", "478 points, matte"),
            Box(3, 1.5, "rig", "a mesh"),
            Box(4, 1.5, "render", "frames"),
            Box(5, 1.5, "media  ", "H.264, AAC"),
            Box(5, 2.6, "video.mp4", filled=True),
        ),
        (
            Arrow("voice.wav", "media"),
            Arrow("media", "speech"),
            Arrow("speech", "articulation"),
            Arrow("articulation", "animation"),
            Arrow("face.jpg", "media "),
            Arrow("media ", "face"),
            Arrow("face", "rig"),
            Arrow("rig", "render"),
            Arrow("animation", "render"),
            Arrow("render", "media  "),
            Arrow("media  ", "video.mp4"),
        ),
    ),
    "frame": Drawing(
        "One frame",
        (
            Box(0, 0, "controls", "jaw, lips, lids, head", filled=True),
            Box(1.1, 0, "moved mesh"),
            Box(2.2, 0, "photograph", "looked up through it"),
            Box(3.3, 0, "mouth and lids", "painted"),
            Box(3.3, 1.3, "background", "filled in", filled=True),
            Box(4.4, 0, "frame", "luma, halved colour"),
            Box(4.4, 1.3, "encoder"),
        ),
        (
            Arrow("controls", "moved mesh"),
            Arrow("moved mesh", "photograph"),
            Arrow("photograph", "mouth and lids"),
            Arrow("mouth and lids", "frame"),
            Arrow("background", "frame"),
            Arrow("frame", "encoder"),
        ),
    ),
    "service": Drawing(
        "The server",
        (
            Box(0, 0, "client", filled=True),
            Box(1.2, 0, "routes", "keys, limits"),
            Box(2.4, 0, "table of tasks", "SQLite, the only truth"),
            Box(3.6, 0, "worker", "claims, reports"),
            Box(3.6, 1.5, "child", "memory, time limits"),
            Box(4.9, 0.8, "addresses", "checked, then dialled", filled=True),
            Box(4.9, 2.1, "pipeline", "decode, render"),
            Box(1.2, 1.5, "storage", "signed links, 24 h"),
        ),
        (
            Arrow("client", "routes"),
            Arrow("routes", "table of tasks"),
            Arrow("table of tasks", "worker"),
            Arrow("worker", "child", "another process", apart=True),
            Arrow("child", "addresses"),
            Arrow("child", "pipeline"),
            Arrow("child", "storage", "the video"),
            Arrow("storage", "client"),
        ),
    ),
    "task": Drawing(
        "A task's life",
        (
            Box(0, 0, "submit", filled=True),
            Box(1.2, 0, "PENDING", "waits"),
            Box(2.7, 0, "RUNNING", "up to 3 attempts"),
            Box(4.2, 0, "SUCCEEDED", "a link, 24 h"),
            Box(4.2, 1.3, "FAILED", "a code, why"),
            Box(1.2, 1.3, "CANCELED"),
            Box(5.5, 0.65, "UNKNOWN", "after 24 h"),
        ),
        (
            Arrow("submit", "PENDING"),
            Arrow("PENDING", "RUNNING", "claimed"),
            Arrow("RUNNING", "SUCCEEDED"),
            Arrow("RUNNING", "FAILED"),
            Arrow("PENDING", "CANCELED", "cancel"),
            Arrow("RUNNING", "CANCELED", "by force", apart=True),
            Arrow("SUCCEEDED", "UNKNOWN", apart=True),
            Arrow("FAILED", "UNKNOWN", apart=True),
        ),
    ),
}


def svg(drawing: Drawing) -> str:
    """The whole file."""
    columns = max(box.column for box in drawing.boxes)
    rows = max(box.row for box in drawing.boxes)
    width = round(columns * COLUMN_PX + BOX_WIDTH_PX + 32)
    height = round(rows * ROW_PX + BOX_HEIGHT_PX + 32)
    boxes = {box.text: box for box in drawing.boxes}
    parts = [_arrow(boxes[a.start], boxes[a.end], a) for a in drawing.arrows]
    parts += [_box(box) for box in drawing.boxes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"  <title>{escape(drawing.title)}</title>\n  <style>{_STYLE}  </style>\n"
        f'  <rect class="ground" width="{width}" height="{height}" rx="8"/>\n'
        + "".join(f"  {part}\n" for part in parts)
        + "</svg>\n"
    )


def _centre(box: Box) -> tuple[float, float]:
    return (
        16 + box.column * COLUMN_PX + BOX_WIDTH_PX / 2,
        16 + box.row * ROW_PX + BOX_HEIGHT_PX / 2,
    )


def _box(box: Box) -> str:
    x, y = _centre(box)
    kind, ink = ("ours", "inverse") if box.filled else ("box", "")
    note_ink = "note inverse" if box.filled else "note"
    line = y + (4.5 if not box.note else -2)
    note = f'<text class="{note_ink}" x="{x:g}" y="{y + 14:g}">{escape(box.note)}</text>'
    return (
        f'<rect class="{kind}" x="{x - BOX_WIDTH_PX / 2:g}" y="{y - BOX_HEIGHT_PX / 2:g}"'
        f' width="{BOX_WIDTH_PX}" height="{BOX_HEIGHT_PX}" rx="6"/>'
        f'<text class="{ink}" x="{x:g}" y="{line:g}">{escape(box.text.strip())}</text>'
        + (note if box.note else "")
    )


def _arrow(start: Box, end: Box, arrow: Arrow) -> str:
    """From border to border, straight."""
    (x0, y0), (x1, y1) = _centre(start), _centre(end)
    dx, dy = x1 - x0, y1 - y0
    leave = _reach(dx, dy)
    arrive = _reach(dx, dy, gap_px=3.0)
    x0, y0, x1, y1 = x0 + dx * leave, y0 + dy * leave, x1 - dx * arrive, y1 - dy * arrive
    length = (dx * dx + dy * dy) ** 0.5
    ux, uy = dx / length, dy / length
    bx, by = x1 - 9 * ux, y1 - 9 * uy
    head = (
        f"M{x1:.1f} {y1:.1f}L{bx - 4 * uy:.1f} {by + 4 * ux:.1f}"
        f"L{bx + 4 * uy:.1f} {by - 4 * ux:.1f}Z"
    )
    dashed = ' class="apart"' if arrow.apart else ""
    drawn = (
        f'<path{dashed} d="M{x0:.1f} {y0:.1f}L{bx:.1f} {by:.1f}"/><path class="head" d="{head}"/>'
    )
    if not arrow.note:
        return drawn
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    x, y = (x + 44, y + 4) if abs(dy) > abs(dx) else (x, y - 8)
    return drawn + f'<text class="note" x="{x:.1f}" y="{y:.1f}">{escape(arrow.note)}</text>'


def _reach(dx: float, dy: float, gap_px: float = 0.0) -> float:
    """Share of the way between two centres that lies inside one of the boxes."""
    wide = (BOX_WIDTH_PX / 2 + gap_px) / abs(dx) if dx else float("inf")
    high = (BOX_HEIGHT_PX / 2 + gap_px) / abs(dy) if dy else float("inf")
    return min(wide, high)


def main() -> None:
    """Write all drawings."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, drawing in DRAWINGS.items():
        (FOLDER / f"{name}.svg").write_text(svg(drawing), encoding="utf-8")


if __name__ == "__main__":
    main()
