"""Stand-ins for what the engine hands to plugins: draws, samples, steps, and networks of a few parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from support.small import load
from torch import Tensor, nn

from gancore.contracts import Images, Stage


@dataclass
class FakeDraw:
    """Draws for `n` samples that depend on `seed` and purpose alone; `given` numbers take their place."""

    n: int
    seed: int = 0
    given: Mapping[str, Tensor | float] = field(default_factory=dict)
    path: str = ""

    def scoped(self, name: str) -> "FakeDraw":
        return replace(self, path=f"{self.path}{name}/")

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._draw(torch.randn, purpose, shape)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._draw(torch.rand, purpose, shape)

    def once(self, purpose: str) -> float:
        given = self.given.get(self.path + purpose)
        return float(torch.rand([], generator=self._of(purpose)) if given is None else given)

    def _draw(self, law: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        given = self.given.get(self.path + purpose)
        if given is not None:
            return torch.as_tensor(given).expand(self.n, *shape)
        return law(self.n, *shape, generator=self._of(purpose))

    def _of(self, purpose: str) -> torch.Generator:
        stream = sum(ord(c) * 31**i for i, c in enumerate(self.path + purpose)) % 2**40
        return torch.Generator().manual_seed(stream + self.seed)


@dataclass
class FakeSamples:
    images: Images
    ws: Tensor
    z: Tensor = field(default_factory=lambda: torch.zeros(0))
    label: Tensor | None = None
    draw: FakeDraw | None = None


@dataclass
class FakeStep:
    """A step of one process whose generator is a function of ws."""

    D: Callable[..., tuple[Tensor, ...]]
    real: Images
    fake_images: Images | None = None
    G: Callable[[Tensor], Images] | None = None
    ws: Tensor | None = None
    draw: FakeDraw | None = None
    kimg: float = 0.0
    stage: Stage | None = None
    real_label: Tensor | None = None

    def __post_init__(self) -> None:
        self.draw = self.draw or FakeDraw(len(self.real[-1]))

    @property
    def fake(self) -> FakeSamples:
        images = self.real if self.fake_images is None else self.fake_images
        return FakeSamples(images, torch.zeros(len(images[-1]), 1, 1), label=self.real_label)

    def generate(self, shrink: int = 1) -> FakeSamples:
        assert self.G is not None
        assert self.ws is not None
        ws = self.ws[: max(len(self.ws) // shrink, 1)].detach().requires_grad_()
        assert self.draw is not None
        return FakeSamples(self.G(ws), ws, draw=replace(self.draw, n=len(ws)))

    def discriminate(self, images: Images, label: Tensor | None, parts: int = 1) -> tuple[Tensor, ...]:
        return self.D(images, label)

    def mean(self, values: Tensor) -> Tensor:
        return values.mean()


class FakeD(nn.Module):
    """A smooth discriminator of all scales, with `heads` heads."""

    def __init__(self, images: Images, heads: int = 1, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        features = sum(image[0].numel() for image in images)
        self.hidden = nn.Linear(features, 7, dtype=images[-1].dtype)
        self.out = nn.Linear(7, heads, dtype=images[-1].dtype)

    def forward(self, images: Images, label: Tensor | None = None) -> tuple[Tensor, ...]:
        flat = torch.cat([image.flatten(1) for image in images], dim=1)
        return self.out(torch.tanh(self.hidden(flat))).unbind(1)


class FakeG(nn.Module):
    """A smooth generator: ws [N, num_ws, w_dim] to one image [N, 3, size, size]."""

    def __init__(self, num_ws: int, w_dim: int, size: int = 4, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.size = size
        self.hidden, self.out = nn.Linear(num_ws * w_dim, 9), nn.Linear(9, 3 * size * size)

    def forward(self, ws: Tensor) -> Images:
        return (self.out(torch.tanh(self.hidden(ws.flatten(1)))).view(-1, 3, self.size, self.size),)


def pyramid(n: int, channels: int, *sizes: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Images:
    """Random images, each scale the local means of the next."""
    generator = torch.Generator().manual_seed(seed)
    finest = torch.randn(n, channels, sizes[-1], sizes[-1], generator=generator, dtype=torch.float64).to(dtype)
    return tuple(nn.functional.avg_pool2d(finest, sizes[-1] // size) for size in sizes)


def made(kind: str, name: str, *rest: Any, **options: Any) -> Any:
    """A plugin by its registered name, with options."""
    plugin = load(kind, name)
    return plugin(plugin.Config(**options), *rest)
