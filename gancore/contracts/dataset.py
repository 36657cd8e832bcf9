"""The contract of datasets: where images come from. Decoding, checking, resizing and caching are the engine's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from gancore.contracts.part import Plugin


@dataclass(frozen=True)
class Item:
    """One image before it is decoded: `read` returns the bytes of an image file, or uint8 [H, W] or [H, W, C].

    label: a class, counted from 0, or a vector of K numbers; networks see rows of floats [N, label_dim] either way.
    head: opens the file, if its header can be read without the rest.
    """

    name: str
    read: Callable[[], bytes | np.ndarray]
    label: int | Sequence[float] | np.ndarray | None = None
    head: Callable[[], BinaryIO] | None = None


@dataclass(frozen=True)
class PassedOver:
    """Files among the images that are not read: what they are (".heic"), how many, and why."""

    what: str
    count: int
    why: str

    def __str__(self) -> str:
        return f"{self.count} {self.what} ({self.why})"


class Dataset(Plugin):
    """A source of images. Making one must be cheap: nothing is decoded before `read` is called."""

    default_resolution: ClassVar[int | None] = None
    """Width and height of the images if an experiment has no `data.resolution`; None: it must have one."""

    format: int = 2
    """`data.format`, the rules by which files become images and classes; the engine sets it before it calls a method.
    A dataset whose images never depended on these rules does not need it."""

    def __init__(self, cfg: Any, base: Path) -> None:
        """`base` is the folder that relative paths in the options refer to: that of the YAML file.

        Raises gancore.errors.DataError if the source is missing or unsuitable.
        """
        self.cfg, self.base = cfg, base

    def items(self) -> Sequence[Item]:
        """All images, in an order that is the same every time."""
        raise NotImplementedError

    def class_names(self) -> Sequence[str] | None:
        """Names of the classes that labels index, or of the entries of vectors; None without labels.

        Called only if the experiment uses labels. Raises DataError if there are labels that cannot be used.
        """
        return None

    def passed_over(self) -> Sequence[PassedOver]:
        """The files among the images that are not read, to be reported; none by default."""
        return ()

    def notes(self, labels: bool) -> Sequence[str]:
        """Further notes on the source, a line each; `labels`: whether the experiment uses labels."""
        return ()

    def sources(self) -> Sequence[Path] | None:
        """The files that images are read from: the cache of decoded images is valid until one of them changes.

        None (the default) if they are unknown: images are then decoded every time.
        """
        return None

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        """Options with which this plugin reads a bare file or folder; None (the default) if it cannot."""
        return None
