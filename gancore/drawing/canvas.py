"""A sheet that remembers what is drawn on it, written as SVG or as PNG. Places are in pixels from the top left."""

import base64
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gancore.drawing.colours import INK

Anchor = Literal["start", "middle", "end"]
Points = Sequence[tuple[float, float]]

FONT = "Aileron, 'Helvetica Neue', Helvetica, Arial, sans-serif"
SHARPNESS = 2
"""Pixels of a PNG to a pixel of the sheet."""


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text in pixels."""
    return float(_font(size).getlength(text)) * (1.06 if bold else 1.0)


@dataclass
class Canvas:
    """Draws in the order of the calls. Colours are "#rrggbb"."""

    width: float
    height: float
    title: str = ""
    marks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def rect(self, x: float, y: float, w: float, h: float, fill: str, opacity: float = 1.0) -> None:
        self.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], fill, opacity)

    def polygon(self, points: Points, fill: str, opacity: float = 1.0) -> None:
        self.marks.append(("polygon", {"points": points, "fill": fill, "opacity": opacity}))

    def line(self, points: Points, colour: str = INK, width: float = 1.0, dashed: bool = False) -> None:
        """Straight pieces through points; dashes only along the first and last."""
        if dashed:
            (x0, y0), (x1, y1) = points[0], points[-1]
            n = max(int(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 / 8), 1)
            at = [(x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n) for i in range(n + 1)]
            for (a, b), (c, d) in itertools.pairwise(at):
                self.line([(a, b), ((a + c) / 2, (b + d) / 2)], colour, width)
        elif len(points) > 1:
            self.marks.append(("line", {"points": points, "colour": colour, "width": width}))

    def circle(self, x: float, y: float, r: float, colour: str, width: float = 0.0) -> None:
        """A disc, or a ring of some width."""
        self.marks.append(("circle", {"x": x, "y": y, "r": r, "colour": colour, "width": width}))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 11,
        anchor: Anchor = "start",
        colour: str = INK,
        bold: bool = False,
        upright: bool = False,
    ) -> None:
        """A line of text on the base line y; `upright`: read from below, around (x, y)."""
        about = {"x": x, "y": y, "text": text, "size": size, "anchor": anchor, "colour": colour, "bold": bold}
        self.marks.append(("text", {**about, "upright": upright}))

    def image(self, x: float, y: float, w: float, h: float, pixels: np.ndarray) -> None:
        """uint8 [H, W, C] (gray, RGB or RGBA), enlarged without smoothing."""
        self.marks.append(("image", {"x": x, "y": y, "w": w, "h": h, "pixels": pixels}))

    def svg(self) -> str:
        """The sheet as SVG; images are inside."""
        size = {
            "viewBox": f"0 0 {self.width:g} {self.height:g}",
            "width": f"{self.width:g}",
            "height": f"{self.height:g}",
        }
        root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "font-family": FONT, "role": "img"})
        SubElement(root, "title").text = self.title
        SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
        for kind, about in self.marks:
            getattr(_Svg, kind)(root, **about)
        return ElementTree.tostring(root, encoding="unicode") + "\n"

    def png(self, sharpness: int = SHARPNESS) -> Image.Image:
        """The sheet as an image, `sharpness` times as wide."""
        over = 2 * sharpness  # drawn twice as large, and averaged
        large = Image.new("RGB", (round(self.width * over), round(self.height * over)), "white")
        sheet = _Png(large, over)
        for kind, about in self.marks:
            getattr(sheet, kind)(**about)
        return large.resize((large.width // 2, large.height // 2), Image.Resampling.BOX)


class _Svg:
    """One element for each mark."""

    @staticmethod
    def polygon(root: Element, points: Points, fill: str, opacity: float) -> None:
        SubElement(root, "polygon", {"points": _places(points), "fill": fill, "fill-opacity": f"{opacity:g}"})

    @staticmethod
    def line(root: Element, points: Points, colour: str, width: float) -> None:
        look = {"fill": "none", "stroke": colour, "stroke-width": f"{width:g}", "stroke-linejoin": "round"}
        SubElement(root, "polyline", {"points": _places(points), **look})

    @staticmethod
    def circle(root: Element, x: float, y: float, r: float, colour: str, width: float) -> None:
        look = {"fill": "none", "stroke": colour, "stroke-width": f"{width:g}"} if width else {"fill": colour}
        SubElement(root, "circle", {"cx": f"{x:g}", "cy": f"{y:g}", "r": f"{r:g}", **look})

    @staticmethod
    def text(
        root: Element,
        x: float,
        y: float,
        text: str,
        size: float,
        anchor: Anchor,
        colour: str,
        bold: bool,
        upright: bool,
    ) -> None:
        look = {"x": f"{x:g}", "y": f"{y:g}", "font-size": f"{size:g}", "fill": colour, "text-anchor": anchor}
        look |= {"font-weight": "600"} if bold else {}
        look |= {"transform": f"rotate(-90 {x:g} {y:g})"} if upright else {}
        SubElement(root, "text", look).text = text

    @staticmethod
    def image(root: Element, x: float, y: float, w: float, h: float, pixels: np.ndarray) -> None:
        data = io.BytesIO()
        _picture(pixels).save(data, "png")
        place = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{w:g}", "height": f"{h:g}", "preserveAspectRatio": "none"}
        uri = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
        SubElement(root, "image", {**place, "style": "image-rendering: pixelated", "href": uri})


class _Png:
    """Draws marks on an image, `factor` times as large."""

    def __init__(self, image: Image.Image, factor: int) -> None:
        self.target, self.factor = image, factor
        self.draw = ImageDraw.Draw(image)

    def polygon(self, points: Points, fill: str, opacity: float) -> None:
        places = self._places(points)
        if opacity == 1:
            self.draw.polygon(places, fill)
            return
        mask = Image.new("L", self.target.size)
        ImageDraw.Draw(mask).polygon(places, round(255 * opacity))
        self.target.paste(fill, None, mask)

    def line(self, points: Points, colour: str, width: float) -> None:
        self.draw.line(self._places(points), colour, max(round(width * self.factor), 1), joint="curve")

    def circle(self, x: float, y: float, r: float, colour: str, width: float) -> None:
        box = [value * self.factor for value in (x - r, y - r, x + r, y + r)]
        if width:
            self.draw.ellipse(box, outline=colour, width=max(round(width * self.factor), 1))
        else:
            self.draw.ellipse(box, colour)

    def text(
        self, x: float, y: float, text: str, size: float, anchor: Anchor, colour: str, bold: bool, upright: bool
    ) -> None:
        font, stroke = _font(size * self.factor), 0.22 * self.factor if bold else 0
        at = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        if not upright:
            place = (x * self.factor, y * self.factor)
            self.draw.text(place, text, colour, font, anchor=at, stroke_width=stroke)
            return
        w, h = round(font.getlength(text)) + 4, round(size * self.factor * 1.6)
        mask = Image.new("L", (w, h))
        ImageDraw.Draw(mask).text((2, round(h * 0.7)), text, 255, font, anchor="ls")
        mask = mask.rotate(90, expand=True)
        left = round(x * self.factor - h * 0.7)
        top = round(y * self.factor - w * {"start": 1.0, "middle": 0.5, "end": 0.0}[anchor])
        self.target.paste(Image.new("RGB", mask.size, colour), (left, top), mask)

    def image(self, x: float, y: float, w: float, h: float, pixels: np.ndarray) -> None:
        size = (round(w * self.factor), round(h * self.factor))
        picture = _picture(pixels)
        smaller = picture.width > size[0]
        picture = picture.resize(size, Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST)
        alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA") else None
        self.target.paste(picture.convert("RGB"), (round(x * self.factor), round(y * self.factor)), alpha)

    def _places(self, points: Points) -> list[tuple[float, float]]:
        return [(x * self.factor, y * self.factor) for x, y in points]


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)


def _places(points: Points) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


@cache
def _font(size: float) -> Any:
    return ImageFont.load_default(size)
