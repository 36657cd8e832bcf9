"""Figures are drawn the same as SVG and PNG, and their colours can be compared by eye."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from gancore.analysis.figures import write_figure
from gancore.analysis.figures.grid import coloured
from gancore.contracts import Bars, Chart, ColourScale, Figure, Film, Grid, HeatMap, Histogram, Line, Picture, Value
from gancore.drawing import diverging, sequential
from gancore.drawing.colours import to_lab

RAMP = torch.linspace(1, 4, 16).view(4, 4)
FIGURES: list[Figure] = [
    Grid("grid", "Tiles <&>", [[Picture(torch.zeros(3, 4, 4), "gray"), HeatMap(RAMP, mark=(1, 2))], [None]],
         rows=["a", "b"], columns=["image", "b128.conv0"], scale=ColourScale("value"), caption="What it is."),
    Chart("chart", "Curves", "x", "y", [Line("one", [0, 1], [1, 3], [0, 2], [2, 4]), Line("two", [0, 1], [2, 2])]),
    Chart("stack", "Areas", "kimg", "share", [Line(name, [0, 1], [0.5, 0.5]) for name in ("4", "8")], kind="stacked"),
    Histogram("histogram", "Distances", "distance", {"generated": [1.0, 2.0, 2.5], "real": [3.0, 3.5]}),
    Bars("bars", "Shares", "%", ["4x4", "8x8"], {"now": [Value(1, 0.1), Value(2)], "then": [Value(2), Value(-1)]}),
]  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_is_written_as_svg_and_png(tmp_path: Path, figure: Figure) -> None:
    png, svg = write_figure(tmp_path, figure.name, figure)
    root = ElementTree.parse(svg).getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert figure.title in texts
    with Image.open(png) as image:
        width, height = (float(value) for value in root.attrib["viewBox"].split()[2:])
        assert image.size == pytest.approx((2 * width, 2 * height), abs=2)
        assert len(image.getcolors(maxcolors=1 << 20) or []) > 2


def test_heat_maps_show_their_values(tmp_path: Path) -> None:
    colours = coloured(torch.tensor([[0.0, 1.0, 2.0]]), ColourScale(""), 0.0, 2.0)
    assert colours[0].tolist() == [sequential()[0].tolist(), sequential()[128].tolist(), sequential()[255].tolist()]
    logs = coloured(torch.tensor([[1.0, 10.0, 100.0]]), ColourScale("", logarithmic=True), 1.0, 100.0)
    assert logs.tolist() == colours.tolist()


def test_magnitudes_grow_lighter_in_steps_that_look_equal() -> None:
    lab = to_lab(sequential() / 255)
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert (np.diff(lab[:, 0]) > 0).all()
    smooth = np.convolve(steps, np.ones(16) / 16, "valid")  # of single steps, colours of 8 bits make a few per cent
    assert smooth.max() / smooth.min() < 1.1


def test_signed_values_are_white_in_the_middle_and_as_dark_at_both_ends() -> None:
    light = to_lab(diverging() / 255)[:, 0]
    assert light.argmax() in (127, 128)
    assert light[127] > 0.95
    assert abs(light[0] - light[-1]) < 0.06


def test_a_film_moves_in_every_form(tmp_path: Path) -> None:
    frames = torch.linspace(-1, 1, 5)[:, None, None, None].expand(5, 1, 8, 8)
    paths = write_figure(tmp_path, "film", Film("film", "Darker to lighter", frames))
    for path in paths[:2]:
        with Image.open(path) as image:
            assert image.n_frames == 5
            assert image.width >= 192
