"""Computes features with a plugin: checks it, moves it to the device, names its scores."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gancore.config.experiment import Chosen, plain
from gancore.contracts import Feature
from gancore.data.code_hash import code_hash
from gancore.data.transfer import to_device
from gancore.evaluation.pictures import as_rgb
from gancore.evaluation.progress import shown
from gancore.evaluation.sharing import sharing


class FeatureExtractor:
    """Outputs of one feature plugin for images. Calls `check` first, and `prepare` before the first images."""

    def __init__(self, part: Chosen, device: torch.device) -> None:
        self.part, self.device = part, device
        self.feature: Feature = part.plugin(part.cfg)
        self.wanted: set[str] = set()
        """The outputs that the metrics use."""
        self._code = code_hash(part.plugin)  # now: files may be edited before statistics are cached
        self._prepared = False

    @property
    def label(self) -> str:
        """The plugin's name, with its distinguishing options: "inception", "inception-bf16", "timm:resnet50"."""
        named = "-".join(filter(None, [self.part.use, self.feature.precision]))
        return ":".join(filter(None, [named, self.feature.variant]))

    def key(self) -> dict[str, Any]:
        """The key of its statistics in the cache: plugin, options, code, weights."""
        return {
            "feature": self.part.use,
            "options": plain(self.part.cfg),
            "code": self._code,
            "weights": self.feature.weights_hash(),
        }

    def extract(self, batches: Sequence[Tensor], outputs: tuple[str, ...], total: int) -> dict[str, Tensor]:
        """Outputs [N, D], on the CPU, of batches of images uint8 [n, C, H, W], `total` in all.

        The processes of an evaluation share the batches. Nothing waits for the device before the end: while it
        processes a batch, the host prepares the next. On a CPU both use all cores, and take turns.
        """
        self._prepare()
        processes = sharing()
        own = (batches[index] for index in processes.own(len(batches)))
        seen = shown(own, self.label, total // processes.size, len)
        found = [self.feature.extract(as_rgb(to_device(batch, self.device)), outputs) for batch in seen]
        rows = processes.whole([{name: row[name].cpu() for name in outputs} for row in found], len(batches))
        return {name: torch.cat([row[name] for row in rows]) for name in outputs}

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        self._prepare()
        return self.feature.distance(as_rgb(a), as_rgb(b))

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        self._prepare()
        to_b = self.feature.distances_to(as_rgb(b))
        return lambda a: to_b(as_rgb(a))

    def _prepare(self) -> None:
        if not self._prepared:
            self.feature.prepare(self.device)
            self._prepared = True
