"""How labels reach a network: as one-hot rows, drawn as often as the data have them."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Draw
from gancore.data.transfer import to_device


class HostDraw(Draw, Protocol):
    """A draw of the engine: it knows its device, and draws the same numbers for another."""

    @property
    def device(self) -> torch.device: ...

    def on(self, device: torch.device | str) -> Draw:
        """The same numbers on another device."""


class LabelRows:
    """The labels of M images: `rows[indices]` are float32 [N, label_dim], with one 1 in each row.

    Memory is that of M whole numbers and of the rows asked for, whatever the number of classes.
    """

    def __init__(self, classes: Tensor, label_dim: int) -> None:
        """`classes` is int64 [M] on the CPU, 0 to label_dim - 1."""
        self.classes, self.label_dim = classes, label_dim

    @classmethod
    def of_each_class(cls, label_dim: int) -> "LabelRows":
        """Every class once, so that a draw finds each as likely as any other."""
        return cls(torch.arange(label_dim), label_dim)

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, indices: Tensor | np.ndarray) -> Tensor:
        return F.one_hot(self.classes[torch.as_tensor(indices)], self.label_dim).float()


def random_labels(rows: LabelRows | None, draw: HostDraw) -> Tensor | None:
    """Labels [n, label_dim] of randomly chosen images, so that classes are as frequent as in the data; None without."""
    if rows is None:
        return None
    chosen = draw.on("cpu").uniform("label").double() * len(rows)  # on the host, which need not wait for a device
    return to_device(rows[chosen.long()], draw.device)
