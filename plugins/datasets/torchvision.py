"""Datasets of torchvision, by name. Those work that yield (picture, whole number)."""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.index import numbered
from gancore.data.paths import located
from gancore.errors import DataError, did_you_mean

LABELS = ("targets", "labels", "_labels")
"""Where torchvision's classes keep their labels; without one of these, there are none."""


class TorchvisionDataset(Dataset):
    """Plugin `torchvision`: the images of a dataset, in its order."""

    class Config(PluginConfig):
        name: str = Field(description="the class in torchvision.datasets, like CIFAR10")
        root: Place[str] = Field("datasets", description="its folder; relative to the experiment's file")
        split: str | None = Field(None, description="for datasets that have a `split`")
        train: bool | None = Field(None, description="for datasets that have a `train`: training or test images")
        download: bool = Field(False, description="whether it may be downloaded when it is not there")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.make = _class(cfg.name)
        self.root = located(base, cfg.root)

    @cached_property
    def source(self) -> Any:
        """The dataset itself."""
        try:
            return self.make(**self._arguments())
        except Exception as cause:  # a missing dataset is a RuntimeError, a wrong split a ValueError, ...
            hint = "" if self.cfg.download else "; `download: true` may fetch it"
            raise DataError(f"torchvision's {self.cfg.name} cannot be opened in {self.root}: {cause}{hint}") from cause

    def items(self) -> Sequence[Item]:
        labels, name = self._labels(), self.cfg.name
        return [
            Item(f"{name}[{index}]", partial(self._read, index), labels[index] if labels else None)
            for index in range(len(self.source))
        ]

    def class_names(self) -> Sequence[str] | None:
        labels = self._labels()
        if not labels:
            return None
        names = getattr(self.source, "classes", [])
        known = [str(name) for name in names] if len(names) > max(labels) else []
        return known or numbered(labels)

    def sources(self) -> Sequence[Path] | None:
        if "root" not in inspect.signature(self.make).parameters:
            return None
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def _arguments(self) -> Mapping[str, Any]:
        """The options that the class takes; DataError for one that was set and that it does not take."""
        taken = inspect.signature(self.make).parameters
        chosen = {"root": str(self.root), "split": self.cfg.split, "train": self.cfg.train}
        chosen["download"] = self.cfg.download or None
        for key in ("split", "train", "download"):
            if chosen[key] is not None and key not in taken:
                raise ValueError(f"it has no option `{key}`")
        return {key: value for key, value in chosen.items() if value is not None and key in taken}

    def _labels(self) -> list[int] | None:
        found = next((getattr(self.source, name) for name in LABELS if hasattr(self.source, name)), None)
        if found is None:
            return None
        labels = np.asarray(found)
        if labels.shape != (len(self.source),) or labels.dtype.kind not in "iu":
            return None
        return [int(label) for label in labels]

    def _read(self, index: int) -> np.ndarray:
        image = self.source[index][0]
        return np.asarray(image.convert("RGB") if image.mode in ("P", "CMYK") else image)


def _class(name: str) -> Any:
    datasets = _torchvision()
    known = [key for key in datasets.__all__ if key != "VisionDataset"]
    if name not in known:
        raise DataError(f"torchvision.datasets has no {name!r}; {did_you_mean(name, known)}")
    return getattr(datasets, name)


def _torchvision() -> ModuleType:
    try:
        return importlib.import_module("torchvision.datasets")
    except ImportError as cause:
        raise DataError(
            f"dataset torchvision needs torchvision ({cause}); `pip install gancore[torchvision]`"
        ) from cause
