"""Images of one size, and the batches that training takes from them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gancore.contracts import Interface, PassedOver
from gancore.data.labels import LabelRows
from gancore.data.on_the_fly import OnTheFly
from gancore.data.transfer import to_device

Indices = Tensor | np.ndarray

SKIPPED_TOLD = 100
"""Images left out that are named in environment.json; the others are counted."""


@dataclass(frozen=True)
class DataIdentity:
    """What makes two data sets the same for training.

    sha256: of the decoded pixels, the labels, their order and their shape (`content_hash`).
    mirror: whether training shows mirrored images too; the pixels hashed are not mirrored.
    dataset: the plugin's name, `emoji`.
    """

    sha256: str
    count: int
    resolution: int
    channels: int
    label_dim: int
    filter: str
    fit: str | None
    mirror: bool
    dataset: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class ImageData:
    """A data set in memory, mapped from a file when it is too large for that, or decoded on the fly.

    images: uint8 [M, C, R, R], 0 black to 255 white; `images[index]` is an array whichever it is.
    labels: int64 [M], 0 to label_dim - 1, or vectors, float32 [M, label_dim]; None when training without labels.
    label_rows: the labels as networks take them; None when training without labels.
    class_names: label_dim names, empty without labels.
    skipped: "name: reason" of the images that `invalid: skip` left out.
    passed_over: the files beside the images that were not read.
    notes: remarks on the data, a line each.
    """

    def __init__(
        self,
        images: np.ndarray | OnTheFly,
        labels: np.ndarray | None,
        class_names: Sequence[str],
        identity: DataIdentity,
        skipped: Sequence[str] = (),
        passed_over: Sequence[PassedOver] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.images, self.labels = images, labels
        self.class_names, self.identity, self.skipped = list(class_names), identity, list(skipped)
        self.passed_over, self.notes = list(passed_over), list(notes)
        self.label_rows = None if labels is None else LabelRows(torch.from_numpy(labels), identity.label_dim)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def interface(self) -> Interface:
        return Interface(self.identity.resolution, self.identity.channels, self.identity.label_dim)

    def about(self) -> dict[str, Any]:
        """Entries of environment.json besides the identity: names of classes, and unused files with reasons."""
        skipped = {"count": len(self.skipped), "images": self.skipped[:SKIPPED_TOLD]}
        return {
            "classes": self.class_names or None,
            "skipped": skipped if self.skipped else None,
            "passed_over": [asdict(files) for files in self.passed_over],
        }

    def batch(self, indices: Indices, flip: Indices | None, device: torch.device | str) -> Tensor:
        """Images [N, C, R, R], float32 in [-1, 1] (x / 127.5 - 1), channels_last.

        indices: int64 [N] on the CPU; flip: bool [N] on the CPU, true mirrors a sample left to right.
        """
        return as_floats(self.pixels(indices, flip), device)

    def pixels(self, indices: Indices, flip: Indices | None) -> Tensor:
        """The same images as uint8 [N, C, R, R], 0 to 255, on the CPU."""
        if isinstance(self.images, OnTheFly):
            images = torch.from_numpy(self.images[np.asarray(indices)])
        else:
            images = torch.index_select(torch.from_numpy(self.images), 0, torch.as_tensor(indices))
        if flip is not None:
            images = torch.where(torch.as_tensor(flip)[:, None, None, None], images.flip(3), images)
        return images

    def labels_of(self, indices: Indices, device: torch.device | str) -> Tensor | None:
        """Labels [N, label_dim] of the images, float32, as networks take them; None without labels."""
        return None if self.label_rows is None else to_device(self.label_rows[indices], device)


def as_floats(pixels: Tensor, device: torch.device | str) -> Tensor:
    """uint8 [N, C, R, R] on the CPU to float32 in [-1, 1] on a device, channels_last. Bytes travel, not floats."""
    images = to_device(pixels, device).to(torch.float32, memory_format=torch.channels_last)
    return images.div_(127.5).sub_(1)
