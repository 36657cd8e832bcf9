"""The contract of datasets: where images come from. Decoding, checking, resizing and caching are the engine's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gancore.contracts.part import Plugin


@dataclass(frozen=True)
class Item:
    """One image before it is decoded: `read` gives the bytes of an image file, or uint8 [H, W] or [H, W, C].

    label: a class, counted from 0, or a vector of K numbers; networks see rows of floats [N, label_dim] either way.
    """

    name: str
    read: Callable[[], bytes | np.ndarray]
    label: int | Sequence[float] | np.ndarray | None = None


class Dataset(Plugin):
    """A source of images. Making one must be cheap: nothing is decoded before `read` is called."""

    default_resolution: ClassVar[int | None] = None
    """Width and height of the images where an experiment does not say `data.resolution`; None: it must say."""

    def __init__(self, cfg: Any, base: Path) -> None:
        """`base` is the folder that relative paths in the options refer to: that of the YAML file.

        Raises gancore.errors.DataError when the source is missing or is not what it should be.
        """
        self.cfg, self.base = cfg, base

    def items(self) -> Sequence[Item]:
        """All images, in an order that is the same every time."""
        raise NotImplementedError

    def class_names(self) -> Sequence[str] | None:
        """Names of the classes that labels index, or of the entries of vectors; None where there are no labels."""
        return None

    def sources(self) -> Sequence[Path] | None:
        """The files that images are read from: decoded images are kept on disk until one of them changes.

        None (the default) when that cannot be told: images are then decoded every time.
        """
        return None

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        """Options with which this plugin reads a bare file or folder; None (the default) when it cannot."""
        return None
