"""Tiles in rows and columns: images and heat maps, with one colour bar."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gancore.contracts.figure import ColourScale, Grid, HeatMap, Picture
from gancore.drawing import GREY, INK, Canvas, diverging, linear_ticks, log_ticks, sequential, text_width

GAP, MARGIN, NOTE = 4.0, 16.0, 15.0
TITLE, CAPTION = 26.0, 15.0
WIDEST = 1000.0
"""Pixels that the tiles of a row may take together."""

RING = "#00e5ff"


def draw_grid(grid: Grid) -> Canvas:
    """The sheet."""
    columns = max(map(len, grid.tiles))
    side = max(min((WIDEST - GAP * columns) / columns, 132.0 if columns > 2 else 240.0), 28.0)
    tall = side * min(1.0, max(_aspect(tile) for row in grid.tiles for tile in row if tile))
    notes = NOTE if any(tile and tile.note for row in grid.tiles for tile in row) else 0.0
    left = MARGIN + max((text_width(row, 11) + 10 for row in grid.rows), default=0.0)
    headings = _wrapped(grid.columns, side)
    top = MARGIN + TITLE + 13.0 * max(map(len, headings), default=0)
    right = 74.0 if grid.scale else 0.0
    body = len(grid.tiles) * (tall + notes + GAP) - GAP
    lines = list(_lines(grid.caption, max(left + columns * (side + GAP) + right - 2 * MARGIN, 360.0), 10.5))
    width = max(left + columns * (side + GAP) - GAP + right, text_width(grid.title, 15, bold=True) + MARGIN) + MARGIN
    width = max(width, max((text_width(line, 10.5) for line in lines), default=0) + 2 * MARGIN)
    sheet = Canvas(width, top + body + len(lines) * CAPTION + (8 if lines else 0) + MARGIN, grid.title)
    sheet.text(MARGIN, MARGIN + 12, grid.title, 15, bold=True)
    for j, heading in enumerate(headings):
        for k, line in enumerate(reversed(heading)):
            sheet.text(left + j * (side + GAP) + side / 2, top - 6 - 13 * k, line, 11, "middle")
    low, high = _range(grid)
    for i, row in enumerate(grid.tiles):
        y = top + i * (tall + notes + GAP)
        if i < len(grid.rows):
            sheet.text(left - 8, y + tall / 2 + 4, grid.rows[i], 11, "end")
        for j, tile in enumerate(row):
            if tile is not None:
                _tile(sheet, tile, left + j * (side + GAP), y, side, tall, grid.scale, low, high)
    if grid.scale:
        x = left + columns * (side + GAP) + 8
        _bar(sheet, grid.scale, low, high, x, top, min(max(body - notes, 90.0), 300.0))
    for k, line in enumerate(lines):
        sheet.text(MARGIN, top + body + 18 + k * CAPTION, line, 10.5, colour=GREY)
    return sheet


def as_pixels(image: Tensor) -> np.ndarray:
    """[C, H, W], nominal range [-1, 1], to uint8 [H, W, C]."""
    pixels: np.ndarray = (image.float() * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels


def coloured(values: Tensor, scale: ColourScale, low: float, high: float) -> np.ndarray:
    """[H, W] to uint8 [H, W, 3] in the colours of a scale."""
    v = values.double().cpu().numpy()
    if scale.logarithmic:
        v, low, high = np.log(np.maximum(v, low)), math.log(low), math.log(high)
    share = np.clip((v - low) / ((high - low) or 1.0), 0, 1)
    table = diverging() if scale.diverging else sequential()
    coloured: np.ndarray = table[np.round(share * 255).astype(int)]
    return coloured


def _aspect(tile: Picture | HeatMap) -> float:
    """Height over width."""
    height, width = tile.pixels.shape[1:] if isinstance(tile, Picture) else tile.values.shape
    return float(height / width)


def _tile(
    sheet: Canvas,
    tile: Picture | HeatMap,
    x: float,
    y: float,
    side: float,
    tall: float,
    scale: ColourScale | None,
    low: float,
    high: float,
) -> None:
    if isinstance(tile, Picture):
        height, width = tile.pixels.shape[1:]
        pixels = as_pixels(tile.pixels)
    else:
        assert scale is not None, "a grid with heat maps has a scale"
        height, width = tile.values.shape
        ends = (float(tile.values.min()), float(tile.values.max())) if scale.each else (low, high)
        pixels = coloured(tile.values, scale, *ends)
    longest = max(height, width)
    w, h = side * width / longest, side * height / longest
    left, top = x + (side - w) / 2, y + (tall - h) / 2
    sheet.image(left, top, w, h, pixels)
    if isinstance(tile, HeatMap) and tile.mark is not None:
        row, column = tile.mark
        sheet.circle(left + (column + 0.5) * w / width, top + (row + 0.5) * h / height, 0.09 * side, RING, 1.4)
    if tile.note:
        sheet.text(x + side / 2, y + tall + 11.5, tile.note, 10, "middle", GREY)


def _range(grid: Grid) -> tuple[float, float]:
    """Smallest and largest value of the colours."""
    if grid.scale is None or grid.scale.each:
        return 0.0, 1.0
    scale = grid.scale
    maps = [tile.values for row in grid.tiles for tile in row if isinstance(tile, HeatMap)]
    low = min(float(m.min()) for m in maps) if scale.low is None else scale.low
    high = max(float(m.max()) for m in maps) if scale.high is None else scale.high
    if scale.diverging and scale.low is None:
        high = max(abs(low), abs(high))
        low = -high
    if scale.logarithmic:
        high = max(high, 1e-12)
        low = max(low, high * 1e-4)
    return low, high if high > low else low + 1e-12


def _bar(sheet: Canvas, scale: ColourScale, low: float, high: float, x: float, y: float, height: float) -> None:
    """Colours from `low`, below, to `high`, with ticks and what they mean."""
    table = (diverging() if scale.diverging else sequential())[::-1, None]
    sheet.image(x, y, 12, height, table)
    if scale.each:
        for at, text in ((y + 9, "largest"), (y + height - 2, "smallest")):
            sheet.text(x + 17, at, text, 10, colour=GREY)
    else:
        of = math.log if scale.logarithmic else float
        ticks = log_ticks(low, high) if scale.logarithmic else linear_ticks(low, high)
        for value in ticks:
            at = y + height * (1 - (of(value) - of(low)) / (of(high) - of(low)))
            sheet.line([(x + 12, at), (x + 15, at)], INK, 0.8)
            sheet.text(x + 18, at + 3.5, f"{value:g}", 10, colour=GREY)
    sheet.text(x + 62, y + height / 2, scale.label, 10.5, "middle", INK, upright=True)


def _wrapped(columns: object, side: float) -> list[list[str]]:
    """Headings in lines that are no wider than a tile, where they have spaces or dots to break at."""
    assert not isinstance(columns, str)
    return [list(_lines(heading.replace(".", ". "), side + 2, 11, joined=". ")) for heading in columns]  # type: ignore[attr-defined]


def _lines(text: str, width: float, size: float, joined: str = "") -> Iterator[str]:
    """Words in lines no wider than this, as far as single words allow."""
    line = ""
    for word in text.split():
        wider = f"{line} {word}".strip()
        if line and text_width(wider, size) > width:
            yield line.replace(joined, ".") if joined else line
            line = word
        else:
            line = wider
    if line:
        yield line.replace(joined, ".") if joined else line
