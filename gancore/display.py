"""HTML for notebooks: what `_repr_html_` of runs, generators, scores and analyses is made of. It needs no network."""

import base64
import html
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gancore.names import shown

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 512
"""Larger pictures are shrunk to this width or height, pixels."""

LEAST = 256
"""Smaller ones are enlarged to at least this, by a whole factor."""

MEDIA = {".png": "image/png", ".gif": "image/gif"}


class Displayed(Protocol):
    """What a notebook shows as HTML."""

    def _repr_html_(self) -> str: ...


T = TypeVar("T", bound=Displayed)


class Displays(list[T]):
    """A list whose items a notebook shows one below another."""

    def _repr_html_(self) -> str:
        return "".join(item._repr_html_() for item in self)


def rewrites_lines() -> bool:
    """Whether stderr can write a line again, for a progress bar: a terminal, or the cell of a notebook."""
    return sys.stderr is not None and (sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel."))


def text(value: object) -> str:
    """Any text as HTML."""
    return html.escape(shown(str(value)))


def facts(title: str, rows: Mapping[str, object]) -> str:
    """A title, and a row for each fact."""
    cells = "".join(f"<tr><th style='text-align:left'>{text(k)}</th>{_cell(v)}</tr>" for k, v in rows.items())
    return f"<div><b>{text(title)}</b><table>{cells}</table></div>"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A title, and a table. A value that is `Html` is not escaped."""
    head = "".join(f"<th style='text-align:left'>{text(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<div><b>{text(title)}</b><table><tr>{head}</tr>{body}</table></div>"


class Html(str):
    """Text that is HTML already."""


def picture(path: Path, side: int = SIDE) -> Html:
    """The picture in a file; the reason if it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if path.suffix in MEDIA and max(image.size) <= side:
                return _image(path.read_bytes(), MEDIA[path.suffix], path.name, image.size)
            small = shrunk(image, side)
            return _image(_bytes(small, "WEBP", quality=90), "image/webp", path.name, small.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Html(text(f"{path.name} cannot be read: {error}"))


def png(image: "Image") -> bytes:
    """A picture as PNG: shrunk if it is large, its pixels repeated if it is small."""
    image = shrunk(image, 2 * SIDE)
    factor = _factor(image.size)
    return _bytes(image.resize((image.width * factor, image.height * factor), resample=0), "PNG", optimize=True)


def shrunk(image: "Image", side: int) -> "Image":
    """The image itself, or a smaller one of this width or height."""
    if max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side))
    return image


def _factor(size: tuple[int, int]) -> int:
    return -(-LEAST // max(size))


def _bytes(image: "Image", form: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def _image(data: bytes, media: str, name: str, size: tuple[int, int]) -> Html:
    code, width = base64.b64encode(data).decode("ascii"), size[0] * _factor(size)
    look = f"width: {width}px; image-rendering: {'pixelated' if width > size[0] else 'auto'}"
    return Html(f"<img alt='{text(name)}' style='{look}' src='data:{media};base64,{code}'>")


def _cell(value: object) -> str:
    return f"<td style='text-align:left'>{value if isinstance(value, Html) else text(value)}</td>"
