"""A training step around networks of a few parameters."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gancore.contracts import (
    Discriminator,
    Fakes,
    Generator,
    Images,
    Interface,
    Judged,
    Logits,
    Main,
    Mapping,
    Normalization,
    Outputs,
    Pass,
    Stage,
    Synthesis,
)
from gancore.nn.precision import at_least_float32
from gancore.seeds import seed_of
from gancore.testing.subject import FEW_CHANNELS, N, Subject


@dataclass(frozen=True)
class SmallDraw:
    """The `Draw` of the contracts for `n` samples."""

    n: int
    path: str = ""

    def scoped(self, name: str) -> "SmallDraw":
        return replace(self, path=f"{self.path}{name}/")

    def normal(self, purpose: str, shape: Any = ()) -> Tensor:
        return self._first(torch.randn(self._rows, *shape, generator=self._generator(purpose)))

    def uniform(self, purpose: str, shape: Any = ()) -> Tensor:
        return self._first(torch.rand(self._rows, *shape, generator=self._generator(purpose)))

    def once(self, purpose: str) -> float:
        return float(self.uniform(purpose)[0])

    @property
    def _rows(self) -> int:
        """As many for every small draw, so that a sample's numbers do not depend on the number of samples."""
        return max(self.n, 2 * N)

    def _first(self, values: Tensor) -> Tensor:
        return values[: self.n].to(torch.get_default_dtype())

    def _generator(self, purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(seed_of(self.path + purpose))


WORDS = ("class_logits", "features")
"""The outputs of the small discriminator; its features have as many maps as a small network has at 4x4."""


class SmallStep:
    """The `Step` of the contracts; one scale, one head, ws [N, 3, 8]."""

    kimg = 0.0
    stage: Stage | None = None

    @classmethod
    def of(cls, subject: Subject) -> "SmallStep":
        """A step for the sizes of a subject; its networks and images are the same every time."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return cls(subject.interface, SmallDraw(subject.n), subject.label)

    def __init__(self, interface: Interface, draw: SmallDraw, label: Tensor | None) -> None:
        self.draw, self.real_label = draw, label
        self.G: Generator = _SmallGenerator(None, interface, _identity)
        self.D: Discriminator = _SmallDiscriminator(None, interface, _identity)
        self.real: Images = (torch.randn(draw.n, interface.channels, interface.resolution, interface.resolution),)

    @property
    def fake(self) -> Fakes:
        made = self.generate()
        return Fakes(tuple(image.detach() for image in made.images), made.ws.detach(), made.z, made.label, made.draw)

    def generate(self, shrink: int = 1) -> Fakes:
        n = max(self.draw.n // shrink, 1)
        draw, label = replace(self.draw, n=n), None if self.real_label is None else self.real_label[:n]
        z = self.G.sample_z(draw)
        ws = self.G.mapping(z, label)
        return Fakes(tuple(map(at_least_float32, self.G.synthesis(ws))), ws, z, label, draw)

    @property
    def main(self) -> Main:
        fakes = self.generate()
        fake, real = (self.judge(*side, WORDS) for side in ((fakes.images, fakes.label), (self.real, self.real_label)))
        return Main(fakes, fake, real)

    def discriminate(self, images: Images, label: Tensor | None, parts: int = 1) -> Logits:
        return self.D(images, label, None, parts)

    def judge(self, images: Images, label: Tensor | None, wanted: tuple[str, ...], parts: int = 1) -> Judged:
        return Judged(label, *self.D(images, label, None, parts, wanted))

    def mean(self, values: Tensor) -> Tensor:
        return values.mean()


class _SmallGenerator(Generator):
    z_dim = w_dim = 8
    num_ws = 3

    def __init__(self, cfg: Any, interface: Interface, normalize: Any) -> None:
        super().__init__(cfg, interface, normalize)
        self.mapping, self.synthesis = _SmallMapping(self.z_dim, self.num_ws), _SmallSynthesis(24, interface)


class _SmallMapping(Mapping):
    def __init__(self, z_dim: int, num_ws: int) -> None:
        super().__init__()
        self.layer, self.num_ws = nn.Linear(z_dim, z_dim), num_ws

    def forward(self, z: Tensor, label: Tensor | None = None, *others: Any, **more: Any) -> Tensor:
        return torch.tanh(self.layer(z))[:, None].repeat(1, self.num_ws, 1)


class _SmallSynthesis(Synthesis):
    def __init__(self, features: int, interface: Interface) -> None:
        super().__init__()
        self.shape = (interface.channels, interface.resolution, interface.resolution)
        self.layer = nn.Linear(features, interface.channels * interface.resolution**2)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        return (torch.tanh(self.layer(ws.flatten(1))).unflatten(1, self.shape),)


class _SmallDiscriminator(Discriminator):
    def __init__(self, cfg: Any, interface: Interface, normalize: Any) -> None:
        super().__init__(cfg, interface, normalize)
        self.maps = (FEW_CHANNELS.at(4), 4, 4)
        features = math.prod(self.maps)
        self.hidden = nn.Linear(interface.channels * interface.resolution**2, features)
        self.logit, self.classes = nn.Linear(features, 1), nn.Linear(features, max(interface.label_dim, 1))

    def forward(
        self,
        images: Images,
        label: Tensor | None = None,
        stage: Stage | None = None,
        parts: int = 1,
        wanted: tuple[str, ...] = (),
    ) -> Logits | tuple[Logits, Outputs]:
        x = torch.tanh(self.hidden(images[-1].flatten(1)))
        logits = (self.logit(x).squeeze(1),)
        return (
            (logits, {"features": (x.unflatten(1, self.maps),), "class_logits": (self.classes(x),)})
            if wanted
            else logits
        )


def _identity(site: Any) -> Normalization:
    return Normalization(None, site)
