"""Curves, areas, histograms and bars on axes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gancore.contracts.figure import Bars, Chart, Histogram, Line
from gancore.drawing import GREY, INK, PALETTE, Canvas, Scale, apart, sequential, text_width

WIDTH, HEIGHT = 560.0, 340.0
LEFT, TOP, BOTTOM, PAD = 66.0, 48.0, 52.0, 16.0
BANDS = 40
PALE = "#e4e4e4"


def draw_chart(chart: Chart) -> Canvas:
    """Curves with their labels at their ends; stacked areas on one another."""
    stacked = chart.kind == "stacked"
    lines = _stacked(chart.lines) if stacked else list(chart.lines)
    xs = [x for line in lines for x in line.x]
    ys = [y for line in lines for row in (line.y, line.low or (), line.high or ()) for y in row]
    ys += [chart.level[0]] if chart.level else []
    last = text_width((chart.ticks or {}).get(max(xs), ""), 10) / 2
    right = max([text_width(line.label, 11) for line in lines] + [last]) + 22
    sheet = _sheet(chart.title, right, chart.caption)
    x = _scale(xs, LEFT, sheet.width - right, chart.log_x, padded=False)
    y = _scale([0.0, *ys] if stacked else ys, HEIGHT - BOTTOM, TOP, chart.log_y, padded=not stacked)
    _axes(sheet, x, y, right, chart.x_label, chart.y_label, chart.ticks)
    colours = _colours(lines, stacked)
    before = [y(0.0 if not chart.log_y else y.low)] * len(lines[0].x) if stacked else []
    for line, colour in zip(lines, colours, strict=True):
        places = [(x(a), y(b)) for a, b in zip(line.x, line.y, strict=True)]
        if stacked:
            floor = [(place[0], b) for place, b in zip(places, before, strict=True)]
            sheet.polygon([*places, *reversed(floor)], colour)
            before = [b for _, b in places]
            continue
        if line.low is not None and line.high is not None:
            band = [(x(a), y(b)) for a, b in zip(line.x, line.high, strict=True)]
            band += [(x(a), y(b)) for a, b in reversed(list(zip(line.x, line.low, strict=True)))]
            sheet.polygon(band, colour, 0.16)
        if line.joined:
            sheet.line(places, colour, 1.0 if line.quiet else 1.8)
        for place in places if line.dots or not line.joined or len(places) == 1 else ():
            sheet.circle(*place, 2.6, colour)
    if chart.level:
        at = y(chart.level[0])
        sheet.line([(LEFT, at), (sheet.width - right, at)], GREY, 1.0, dashed=True)
        sheet.text(LEFT + 6, at - 4, chart.level[1], 10, colour=GREY)
    _labels(sheet, lines, colours, x, y, right, stacked)
    return sheet


def draw_histogram(histogram: Histogram) -> Canvas:
    """Outlines of the shares of samples in equal intervals."""
    every = np.array([v for samples in histogram.samples.values() for v in samples], float)
    log = histogram.log_x and every.min() > 0
    low, high = float(every.min()), float(every.max())
    low, high = (low, high) if high > low else (low - abs(low) * 0.1 - 1e-9, high + abs(high) * 0.1 + 1e-9)
    bins = max(min(BANDS, round(2 * len(every) ** 0.5)), 8)
    edges = np.geomspace(low, high, bins + 1) if log else np.linspace(low, high, bins + 1)
    shares = {k: np.histogram(v, edges)[0] / max(len(v), 1) * 100 for k, v in histogram.samples.items()}
    labels = [f"{label} (n={len(histogram.samples[label])})" for label in shares]
    sheet = _sheet(histogram.title, PAD + 8, histogram.caption)
    x = _scale([low, high], LEFT, sheet.width - PAD - 8, log, padded=False)
    y = Scale.linear(
        0, (1.08 + 0.06 * len(shares)) * max(float(s.max()) for s in shares.values()), HEIGHT - BOTTOM, TOP
    )
    _axes(sheet, x, y, PAD + 8, histogram.x_label, "share of samples, %")
    for share, colour in zip(shares.values(), PALETTE, strict=False):
        outline = [(x(float(edge)), y(float(s))) for i, s in enumerate(share) for edge in edges[i : i + 2]]
        floor = y(0)
        sheet.polygon([(outline[0][0], floor), *outline, (outline[-1][0], floor)], colour, 0.25)
        sheet.line([(outline[0][0], floor), *outline, (outline[-1][0], floor)], colour, 1.4)
    _legend(sheet, labels, PALETTE)
    return sheet


def draw_bars(bars: Bars) -> Canvas:
    """Groups side by side, with whiskers of one spread each way."""
    tops = [v.value + (v.spread or 0) for row in bars.series.values() for v in row]
    bottoms = [v.value - (v.spread or 0) for row in bars.series.values() for v in row]
    sheet = _sheet(bars.title, PAD + 8, bars.caption)
    room = 0.12 * (max(*tops, 0.0) - min(*bottoms, 0.0)) or 1.0
    y = Scale.linear(
        min(0.0, min(bottoms) - (room if min(bottoms) < 0 else 0)), max(0.0, max(tops)) + room, HEIGHT - BOTTOM, TOP
    )
    each = (sheet.width - LEFT - PAD - 8) / len(bars.groups)
    x = Scale(0.0, float(len(bars.groups)), LEFT, sheet.width - PAD - 8, [])
    _axes(sheet, x, y, PAD + 8, "", bars.y_label, {i + 0.5: group for i, group in enumerate(bars.groups)})
    wide = 0.72 * each / len(bars.series)
    for k, (row, colour) in enumerate(zip(bars.series.values(), PALETTE, strict=False)):
        for i, value in enumerate(row):
            left = LEFT + i * each + 0.14 * each + k * wide
            sheet.rect(left, min(y(value.value), y(0.0)), wide - 1, abs(y(0.0) - y(value.value)), colour, 0.85)
            if value.spread:
                middle = left + wide / 2
                sheet.line([(middle, y(value.value - value.spread)), (middle, y(value.value + value.spread))], INK, 1.0)
    if len(bars.series) > 1:
        _legend(sheet, list(bars.series), PALETTE)
    return sheet


def _sheet(title: str, right: float, caption: str) -> Canvas:
    """An empty sheet with title and caption, as wide as they need."""
    wide = max(WIDTH + right, text_width(title, 15, bold=True) + 2 * PAD, text_width(caption, 10.5) + 2 * PAD)
    sheet = Canvas(wide, HEIGHT + (18 if caption else 0), title)
    sheet.text(PAD, PAD + 12, title, 15, bold=True)
    if caption:
        sheet.text(PAD, HEIGHT + 6, caption, 10.5, colour=GREY)
    return sheet


def _scale(values: Sequence[float], start: float, end: float, log: bool, padded: bool) -> Scale:
    low, high = min(values), max(values)
    if log and low > 0:
        return Scale.logarithmic(low, high, start, end)
    if padded:
        return Scale.padded(values, start, end)
    return Scale.linear(low, high if high > low else low + 1.0, start, end)


def _axes(
    sheet: Canvas,
    x: Scale,
    y: Scale,
    right: float,
    x_label: str,
    y_label: str,
    names: Mapping[float, str] | None = None,
) -> None:
    floor, end = HEIGHT - BOTTOM, sheet.width - right
    for value in y.ticks:
        sheet.line([(LEFT, y(value)), (end, y(value))], PALE, 0.8)
        sheet.text(LEFT - 7, y(value) + 3.5, f"{value:g}", 10, "end", GREY)
    widest = max((text_width(name, 10) for name in (names or {}).values()), default=0.0)
    slanted = names is not None and len(names) > 1 and widest > (end - LEFT) / len(names) - 6
    for i, (value, name) in enumerate((names or {v: f"{v:g}" for v in x.ticks}).items()):
        sheet.line([(x(value), floor), (x(value), floor + 4)], GREY, 0.8)
        sheet.text(x(value), floor + 16 + (11 if slanted and i % 2 else 0), name, 10, "middle", GREY)
    sheet.line([(LEFT, floor), (end, floor)], INK, 1.0)
    sheet.text((LEFT + end) / 2, floor + 40, x_label, 11, "middle")
    sheet.text(PAD + 4, (TOP + floor) / 2, y_label, 11, "middle", upright=True)


def _labels(
    sheet: Canvas, lines: Sequence[Line], colours: Sequence[str], x: Scale, y: Scale, right: float, stacked: bool
) -> None:
    """Labels of curves at their ends, of areas beside their middle; one for each label."""
    wanted: dict[str, float] = {}
    shown: dict[str, str] = {}
    below = y.low
    for line, colour in zip(lines, colours, strict=True):
        if line.label and line.label not in wanted:
            wanted[line.label] = y((line.y[-1] + below) / 2 if stacked else line.y[-1])
            shown[line.label] = INK if stacked else colour
        below = line.y[-1]
    for label, place in apart(wanted, TOP + 6, HEIGHT - BOTTOM - 4).items():
        sheet.text(sheet.width - right + 8, place + 4, label, 11, colour=shown[label])


def _legend(sheet: Canvas, labels: Sequence[str], colours: Sequence[str]) -> None:
    """Names with their colours, in the upper right corner below the title."""
    right = sheet.width - PAD - 12
    for k, (label, colour) in enumerate(zip(labels, colours, strict=False)):
        sheet.text(right - 16, TOP + 12 + 15 * k, label, 11, "end")
        sheet.rect(right - 11, TOP + 3.5 + 15 * k, 10, 10, colour)


def _stacked(lines: Sequence[Line]) -> list[Line]:
    """Each line on the sum of those before."""
    total = np.zeros(len(lines[0].y))
    found = []
    for line in lines:
        total = total + np.asarray(line.y, float)
        found.append(Line(line.label, line.x, total.tolist()))
    return found


def _colours(lines: Sequence[Line], stacked: bool) -> list[str]:
    """Colours in order: of areas from dark to light, of curves by label; grey for quiet ones."""
    if stacked:
        places = np.linspace(40, 235, len(lines)).astype(int)
        return ["#" + "".join(f"{c:02x}" for c in sequential()[place]) for place in places]
    order = {label: i for i, label in enumerate(dict.fromkeys(line.label for line in lines if not line.quiet))}
    many = len(order) > len(PALETTE)
    table = sequential()
    found = []
    for line in lines:
        if line.quiet:
            found.append("#a3a3a3")
        elif many:
            rgb = table[int(30 + 180 * order[line.label] / math.ceil(len(order) - 1))]
            found.append("#" + "".join(f"{c:02x}" for c in rgb))
        else:
            found.append(PALETTE[order[line.label]])
    return found
