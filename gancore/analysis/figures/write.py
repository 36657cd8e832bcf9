"""A figure as files."""

from pathlib import Path

from gancore.analysis.figures.chart import draw_bars, draw_chart, draw_histogram
from gancore.analysis.figures.film import write_film
from gancore.analysis.figures.grid import draw_grid
from gancore.artifacts.atomic import write_text, written
from gancore.contracts.figure import Bars, Chart, Figure, Film, Histogram
from gancore.drawing import Canvas


def write_figure(folder: Path, stem: str, figure: Figure) -> list[Path]:
    """Writes stem.png and stem.svg, of a film stem.gif, stem.png and, where PyAV is installed, stem.mp4."""
    if isinstance(figure, Film):
        return write_film(folder, stem, figure)
    sheet = drawn(figure)
    png, svg = folder / f"{stem}.png", folder / f"{stem}.svg"
    with written(png) as temporary:
        sheet.png().save(temporary, "PNG")
    write_text(svg, sheet.svg())
    return [png, svg]


def drawn(figure: Figure) -> Canvas:
    """The sheet of a figure that is not a film."""
    match figure:
        case Chart():
            return draw_chart(figure)
        case Histogram():
            return draw_histogram(figure)
        case Bars():
            return draw_bars(figure)
        case Film():
            raise TypeError("a film has no sheet")
        case _:
            return draw_grid(figure)
