"""The contract of datasets: where images come from. Decoding, checking, resizing and caching are the engine's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from gancore.contracts.part import Plugin


@dataclass(frozen=True)
class Item:
    """One image before it is decoded: `read` gives the bytes of an image file, or uint8 [H, W] or [H, W, C].

    label: a class, counted from 0, or a vector of K numbers; networks see rows of floats [N, label_dim] either way.
    head: gives the file opened, where its header can be had without reading all of it.
    """

    name: str
    read: Callable[[], bytes | np.ndarray]
    label: int | Sequence[float] | np.ndarray | None = None
    head: Callable[[], BinaryIO] | None = None


@dataclass(frozen=True)
class PassedOver:
    """Files that lie among the images and are not read: what they are (".heic"), how many, and why."""

    what: str
    count: int
    why: str

    def __str__(self) -> str:
        return f"{self.count} {self.what} ({self.why})"


class Dataset(Plugin):
    """A source of images. Making one must be cheap: nothing is decoded before `read` is called."""

    default_resolution: ClassVar[int | None] = None
    """Width and height of the images where an experiment does not say `data.resolution`; None: it must say."""

    format: int = 2
    """`data.format`, the rules by which files become images and classes; the engine sets it before anything is asked.
    A dataset whose images never depended on these rules has no use for it."""

    def __init__(self, cfg: Any, base: Path) -> None:
        """`base` is the folder that relative paths in the options refer to: that of the YAML file.

        Raises gancore.errors.DataError when the source is missing or is not what it should be.
        """
        self.cfg, self.base = cfg, base

    def items(self) -> Sequence[Item]:
        """All images, in an order that is the same every time."""
        raise NotImplementedError

    def class_names(self) -> Sequence[str] | None:
        """Names of the classes that labels index, or of the entries of vectors; None where there are no labels.

        Asked only where labels are wanted. Raises DataError where there are labels that cannot be used.
        """
        return None

    def passed_over(self) -> Sequence[PassedOver]:
        """The files among the images that are not read, for a person to see; none by default."""
        return ()

    def notes(self, labels: bool) -> Sequence[str]:
        """What else a person should hear of the source, a line each; `labels`: whether labels are wanted."""
        return ()

    def sources(self) -> Sequence[Path] | None:
        """The files that images are read from: decoded images are kept on disk until one of them changes.

        None (the default) when that cannot be told: images are then decoded every time.
        """
        return None

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        """Options with which this plugin reads a bare file or folder; None (the default) when it cannot."""
        return None
