"""A small trained model for analyses: a style generator at 16x16 with discriminator, checkpoints and real images."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from gancore.analysis.subject import ModelSubject, Sources
from gancore.contracts import Discriminator, Generator, Interface
from gancore.data import ImageData
from gancore.nn import DiscriminatorConfig, MappingConfig, StyleDiscriminator, StyleGenerator, StyleGeneratorConfig
from gancore.testing.subject import FEW_CHANNELS, R, without_normalization

COUNT = 4


def small_subject(seed: int = 0) -> "SmallAnalysisSubject":
    """The model, made of the same random numbers each time, with 4 samples."""
    return SmallAnalysisSubject(small_sources(), COUNT, seed, torch.device("cpu"))


class SmallAnalysisSubject(ModelSubject):
    """Features are mean colours of quarters of an image, without a network."""

    def features(self, images: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images.float(), 4).flatten(1).cpu()

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).mean(dim=1)

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda a: self.distance(a, b)

    @property
    def looked_through(self) -> str:
        return "colours"

    def reals(self, count: int) -> Tensor:
        coarse = torch.rand(min(count, 8), 3, 4, 4, generator=torch.Generator().manual_seed(3)) * 2 - 1
        return torch.nn.functional.interpolate(coarse, size=(R, R), mode="bilinear").to(self.device)


def small_sources() -> Sources:
    """The model with what lies beside it."""
    with _seeded(0):
        cfg = StyleGeneratorConfig(z_dim=8, w_dim=8, mapping=MappingConfig(layers=2), channels=FEW_CHANNELS)
        interface = Interface(resolution=R, channels=3)
        generator: Generator = StyleGenerator(cfg, interface, without_normalization)
        judge: Discriminator = StyleDiscriminator(
            DiscriminatorConfig(channels=FEW_CHANNELS), interface, without_normalization
        )
    history = [(float(kimg), lambda kimg=kimg: _younger(generator, kimg)) for kimg in (1, 2, 3)]
    return Sources(generator.eval(), lambda: judge, history, data=_never)


def _never() -> ImageData:
    raise AssertionError("the small model makes its own real images")


def _younger(generator: Generator, kimg: int) -> Generator:
    """The same weights, the smaller the younger."""
    found = copy.deepcopy(generator)
    with torch.no_grad():
        for p in found.parameters():
            p.mul_(kimg / 3)
    return found


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
