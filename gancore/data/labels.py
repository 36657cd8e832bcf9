"""How labels reach a network: as rows of floats, drawn as often as the data have them.

A label is a class, whose row has one 1, or a vector, which is its own row.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Draw, Generator, Item
from gancore.data.transfer import to_device
from gancore.errors import DataError

EXAMPLES = 1000
"""Vectors that a model file keeps at most, to make images of."""


class HostDraw(Draw, Protocol):
    """A draw of the engine: it knows its device, and draws the same numbers for another."""

    @property
    def device(self) -> torch.device: ...

    def on(self, device: torch.device | str) -> Draw:
        """The same numbers on another device."""


class LabelRows:
    """The labels of M images: `rows[indices]` are float32 [N, label_dim].

    Where they are classes, each row has one 1, and memory is that of M whole numbers and of the requested rows,
    for any number of classes.
    """

    def __init__(self, labels: Tensor, label_dim: int) -> None:
        """`labels`, on the CPU, is int64 [M], 0 to label_dim - 1, or float32 [M, label_dim]."""
        self.labels, self.label_dim = labels, label_dim

    @classmethod
    def of_each_class(cls, label_dim: int) -> "LabelRows":
        """Every class once, so that a draw finds each as likely as any other."""
        return cls(torch.arange(label_dim), label_dim)

    @classmethod
    def of_model(cls, generator: Generator) -> "LabelRows | None":
        """Every class of a model once, or the examples of vectors that its file has; None without labels."""
        label_dim = generator.interface.label_dim
        if generator.examples is not None:
            return cls(generator.examples, label_dim)
        return cls.of_each_class(label_dim) if label_dim else None

    @property
    def are_vectors(self) -> bool:
        """Whether labels are vectors, and not classes."""
        return self.labels.ndim == 2

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: Tensor | np.ndarray) -> Tensor:
        chosen = self.labels[torch.as_tensor(indices)]
        return chosen if self.are_vectors else F.one_hot(chosen, self.label_dim).float()


def random_labels(rows: LabelRows | None, draw: HostDraw) -> Tensor | None:
    """Labels [n, label_dim] of randomly chosen images, so that classes are as frequent as in the data; None without."""
    if rows is None:
        return None
    chosen = draw.on("cpu").uniform("label").double() * len(rows)  # on the host, which need not wait for a device
    return to_device(rows[chosen.long()], draw.device)


def examples_of(rows: LabelRows | None) -> Tensor | None:
    """Vectors [M, label_dim] of at most EXAMPLES images, evenly through the data; None where labels are classes."""
    if rows is None or not rows.are_vectors:
        return None
    count = min(len(rows), EXAMPLES)
    return rows[torch.arange(count) * len(rows) // count]


def label_array(labels: Sequence[Any]) -> np.ndarray:
    """int64 [M] of whole numbers, float32 [M, K] of vectors."""
    array = np.asarray(labels)
    return array.astype(np.int64 if array.ndim == 1 else np.float32)


def labels_of_items(items: Sequence[Item]) -> np.ndarray:
    """The labels of items that all have one, as `label_array` returns them.

    Raises DataError where labels are of different forms, or hold a number that is not finite.
    """
    if len(shapes := {np.asarray(item.label).shape for item in items}) > 1 or len(next(iter(shapes))) > 1:
        raise DataError("labels should all be whole numbers, or all vectors with the same number of entries")
    labels = label_array([item.label for item in items])
    if not (finite := np.isfinite(labels).reshape(len(items), -1).all(axis=1)).all():
        raise DataError(f"the label of {items[int(finite.argmin())].name} has an entry that is not a finite number")
    return labels
