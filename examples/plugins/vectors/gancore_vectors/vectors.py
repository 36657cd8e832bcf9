"""Images of a folder, each with a vector from a table: attributes, measurements, an embedding of a caption.

Source: the label enters StyleGAN2 by the mapping network and the projection of the discriminator, as published for
classes (arXiv:2006.06676, appendix C); here its rows are vectors in place of classes.
"""

import csv
import math
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.errors import DataError


class Vectors(Dataset):
    """Plugin `vectors`: the images that a CSV file lists, one a line: file name, then the numbers of its vector.

    The first line names the columns. With `standardize`, every column has mean 0 and variance 1 over the images, as the
    networks expect of their inputs.
    """

    class Config(PluginConfig):
        path: Place[str] = Field(description="the folder of the images; relative to the experiment's file")
        table: Place[str] = Field(description="the CSV file; relative to the experiment's file")
        standardize: bool = Field(True, description="whether columns get mean 0 and variance 1")

    cfg: Config

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.folder, self.table = base / cfg.path, base / cfg.table
        for path, there in ((self.folder, self.folder.is_dir()), (self.table, self.table.is_file())):
            if not there:
                raise DataError(f"{path}: no such {'file' if path is self.table else 'folder'}")

    @cached_property
    def rows(self) -> dict[str, list[float]]:
        """File name to vector, [K] numbers each. Raises DataError with the line of a mistake."""
        rows: dict[str, list[float]] = {}
        for number, (name, *cells) in enumerate(self.lines[1:], 2):
            where = f"{self.table}:{number}"
            try:
                vector = [float(cell) for cell in cells]
            except ValueError as error:
                raise DataError(f"{where}: {error}") from None
            if len(vector) != len(self.class_names()) or not all(map(math.isfinite, vector)):
                raise DataError(f"{where}: expected {len(self.class_names())} finite numbers, got {cells}")
            if name in rows:
                raise DataError(f"{where}: {name} occurs twice")
            if not (self.folder / name).is_file():
                raise DataError(f"{where}: there is no image {self.folder / name}")
            rows[name] = vector
        return rows

    @cached_property
    def lines(self) -> list[list[str]]:
        with self.table.open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
        if len(lines) < 2 or len(lines[0]) < 2:
            raise DataError(f"{self.table}: expected a line of column names (file, ...), then one for each image")
        return lines

    def items(self) -> Sequence[Item]:
        vectors = np.array(list(self.rows.values()))  # [N, K]
        if self.cfg.standardize:
            spread = vectors.std(axis=0)
            vectors = (vectors - vectors.mean(axis=0)) / np.where(spread > 0, spread, 1)
        paths = [self.folder / name for name in self.rows]
        return [
            Item(path.name, path.read_bytes, vector, partial(path.open, "rb"))
            for path, vector in zip(paths, vectors, strict=True)
        ]

    def class_names(self) -> Sequence[str]:
        """The columns."""
        return self.lines[0][1:]

    def sources(self) -> Sequence[Path]:
        return [self.table, *(self.folder / name for name in self.rows)]
