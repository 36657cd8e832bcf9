"""Models that analyses look at in tests: untrained, small, with all that may lie beside them."""

import copy
from pathlib import Path

import torch
from support.small import experiment_of
from support.tiny import data_of, tiny_experiment

from gancore.analysis.subject import Sources
from gancore.composition import compose
from gancore.contracts import Generator, Images, Interface, Pass, Synthesis
from gancore.nn import Latent, MappingConfig, StyleGenerator, StyleGeneratorConfig
from gancore.nn.options import ChannelsConfig
from gancore.testing.model import SmallAnalysisSubject
from gancore.testing.subject import without_normalization

FIXTURE = Path(__file__).parents[1] / "fixtures/e3d0692/run"
"""A run of an earlier version."""

DISCRIMINATORS = {"lapgan": "lapgan", "msg": "msg", "pyramid": "pyramid"}
"""Generators of several scales to a discriminator that takes them."""


def style_generator(resolution: int = 32, seed: int = 0) -> Generator:
    """A style generator of 16 channels with small random noise strengths and biases, without normalization."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        cfg = StyleGeneratorConfig(
            z_dim=8, w_dim=8, mapping=MappingConfig(layers=2), channels=ChannelsConfig(base=512, max=16)
        )
        generator = StyleGenerator(cfg, Interface(resolution, 3), without_normalization)
        with torch.no_grad():
            for name, p in generator.named_parameters():
                if name.endswith(("noise_strength", "synthesis.bias")):
                    p.normal_(0, 0.1)
    return generator.eval()


def subject(generator: Generator, count: int = 8, seed: int = 0) -> SmallAnalysisSubject:
    """A generator with nothing beside it."""
    return SmallAnalysisSubject(Sources(generator), count, seed, torch.device("cpu"))


def subject_of(name: str, count: int = 4) -> SmallAnalysisSubject:
    """A generator of the registry at 16x16, with a discriminator, two checkpoints and emoji beside it."""
    discriminator = DISCRIMINATORS.get(name, "residual")
    experiment = experiment_of(name, discriminator)
    gan = compose(experiment, Interface(16, 3))

    def younger() -> Generator:
        generator = copy.deepcopy(gan.generator)
        with torch.no_grad():
            for p in generator.parameters():
                p.mul_(0.9)
        return generator.eval()

    history = [(1.0, younger), (2.0, lambda: gan.generator)]
    sources = Sources(
        gan.generator.eval(), lambda: gan.discriminator.eval(), history, lambda: data_of(tiny_experiment())
    )
    return SmallAnalysisSubject(sources, count, 0, torch.device("cpu"))


class LinearSynthesis(Synthesis):
    """Every pixel a weighted sum of the entries of w."""

    def __init__(self, w_dim: int, resolution: int) -> None:
        super().__init__()
        weight = torch.randn(w_dim, 3, resolution, resolution, generator=torch.Generator().manual_seed(0))
        self.weight = torch.nn.Parameter(weight / w_dim)

    def forward(self, ws: torch.Tensor, how: Pass) -> Images:
        return (torch.einsum("nz,zchw->nchw", ws[:, 0].to(self.weight.dtype), self.weight),)


class LinearGenerator(Generator):
    """Images that are linear in z; in float64, so that sums are exact to rounding."""

    def __init__(self, resolution: int = 8) -> None:
        super().__init__(None, Interface(resolution, 3), lambda site: None)
        self.z_dim, self.w_dim, self.num_ws = 6, 6, 1
        self.mapping, self.synthesis = Latent(0), LinearSynthesis(6, resolution).double()
