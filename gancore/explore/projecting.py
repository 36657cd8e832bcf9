"""An uploaded image, and its projection step by step."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from gancore.analysis import ProjectionOptions, repainted, sampled_ws, start_of
from gancore.analysis.projecting import as_target
from gancore.analysis.projection import Projected, Start, towards
from gancore.analysis.run import first_available
from gancore.analysis.subject import ModelSubject
from gancore.errors import GancoreError
from gancore.explore.explored import Explored

LARGEST = 32 * 2**20
"""Bytes of an upload."""

MOST_STEPS = 10_000


class Projector:
    """Projects images with one model. features: names of feature plugins; the first that is available compares."""

    def __init__(self, model: Explored, features: Sequence[str] = ("embedded",)) -> None:
        self.model, self.features = model, features

    def check(self) -> None:
        """Raises GancoreError if none of the features is available."""
        assert self.subject.extractor is not None

    @cached_property
    def subject(self) -> ModelSubject:
        return replace(self.model.subject, extractor=first_available(self.features, self.model.device))

    @cached_property
    def start(self) -> Start:
        with self.model.lock, torch.no_grad():
            return start_of(self.model.generator, sampled_ws(self.subject), self.subject.seed)

    def target(self, content: bytes) -> Tensor:
        """An image file as [C, R, R], nominal range [-1, 1]. Raises GancoreError for one that cannot be used."""
        if len(content) > LARGEST:
            raise GancoreError(f"larger than {LARGEST >> 20} MiB")
        return as_target(content, self.model.generator.interface)

    def steps(self, target: Tensor, steps: int, space: Literal["w", "w+"]) -> Iterator[Projected]:
        """Every step; other threads may use the model between two of them. The last image has no noise on w."""
        if not 1 <= steps <= MOST_STEPS:
            raise GancoreError(f"steps: from 1 to {MOST_STEPS}")
        options = ProjectionOptions(steps=steps, space=space)
        with self.model.lock:
            walk = towards(self.subject, target.to(self.model.device), self.start, options)
        for step in range(steps):
            with self.model.lock:
                found = next(walk)
                if step == steps - 1:
                    found = replace(found, image=repainted(self.model.generator, found))
            yield found
