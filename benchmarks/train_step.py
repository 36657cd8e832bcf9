"""One StyleGAN2 training iteration: our networks against the textbook path (see textbook.py).

    python -m benchmarks.train_step [--resolution 32|64] [--rounds N] [--json]

RGB, batch 16 (path length 8), z = w = 128, 2-layer mapping, channels min(2048 / resolution, 128), skip generator,
residual discriminator, float32, Adam, non-saturating logistic loss, R1 every 16 steps, path length every 4. The two
take turns, so that a change of the machine's speed meets both; the numbers are medians in milliseconds.
total = G main + D main + R1 / 16 + path length / 4 + EMA.
"""

import argparse
import copy
import json
import math
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from benchmarks.textbook import TextbookDiscriminator, TextbookGenerator
from gancore.contracts import Discriminator, Generator, Interface, PluginConfig
from gancore.nn.gradients import input_gradients
from gancore_plugins.discriminators.residual import Residual
from gancore_plugins.generators.skip import Skip
from gancore_plugins.normalization.demod import Demod
from gancore_plugins.normalization.none import NoNormalization

BATCH, WIDTH = 16, 128
PHASES = ("G forward", "G main", "D main", "R1", "path length", "EMA")
SHARES = {"G main": 1.0, "D main": 1.0, "R1": 1 / 16, "path length": 1 / 4, "EMA": 1.0}


def networks(resolution: int) -> tuple[Generator, Discriminator]:
    """The networks of the configuration above, with weights of seed 0."""
    torch.manual_seed(0)
    interface = Interface(resolution, 3)
    channels = {"base": 2048, "max": WIDTH}
    g = Skip.Config(z_dim=WIDTH, w_dim=WIDTH, mapping={"layers": 2}, channels=channels)
    d = Residual.Config(channels=channels)
    G = Skip(g, interface, lambda site: Demod(Demod.Config(), site))
    return G, Residual(d, interface, lambda site: NoNormalization(PluginConfig(), site))


class Iteration:
    """The phases of an iteration; subclasses say how G and D are called."""

    adam: dict[str, bool]

    def __init__(self, G: nn.Module, D: nn.Module, resolution: int) -> None:
        self.G, self.D, self.average = G, D, copy.deepcopy(G)
        self.reals = torch.randn(BATCH, 3, resolution, resolution)
        self.optimizers = [torch.optim.Adam(m.parameters(), lr=0.002, betas=(0.0, 0.99), **self.adam) for m in (G, D)]

    def fakes(self, n: int = BATCH) -> tuple[Tensor, Tensor]:
        """Images and the ws they come from."""
        raise NotImplementedError

    def logits(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def d_loss(self) -> Tensor:
        raise NotImplementedError

    def gradients(self, outputs: Tensor, inputs: Tensor) -> Tensor:
        return torch.autograd.grad(outputs.sum(), inputs, create_graph=True)[0]

    def update(self, side: int, loss: Tensor) -> None:
        loss.backward()
        self.optimizers[side].step()
        self.optimizers[side].zero_grad(set_to_none=True)

    def phases(self) -> dict[str, Callable[[], None]]:
        return dict(zip(PHASES, (self.forward, self.g_main, self.d_main, self.r1, self.pl, self.ema), strict=True))

    def forward(self) -> None:
        with torch.no_grad():
            self.fakes()

    def g_main(self) -> None:
        self.D.requires_grad_(False)
        self.update(0, softplus(-self.logits(self.fakes()[0])).mean())
        self.D.requires_grad_(True)

    def d_main(self) -> None:
        self.update(1, self.d_loss())

    def r1(self) -> None:
        reals = self.reals.detach().requires_grad_()
        grads = self.gradients(self.logits(reals), reals)
        self.update(1, grads.square().sum((1, 2, 3)).mean() * (10 / 2 * 16))

    def pl(self) -> None:
        images, ws = self.fakes(BATCH // 2)
        noise = torch.randn_like(images) / math.sqrt(images[0, 0].numel())
        lengths = self.gradients(images * noise, ws).square().sum(2).mean(1).sqrt()
        self.update(0, (lengths - lengths.mean() * 0.01).square().mean() * (2 * 4))

    def ema(self) -> None:
        with torch.no_grad():
            for a, p in zip(self.average.parameters(), self.G.parameters(), strict=True):
                a.copy_(p.lerp(a, 0.998))


class Ours(Iteration):
    adam = {"fused": True}  # noqa: RUF012

    def fakes(self, n: int = BATCH) -> tuple[Tensor, Tensor]:
        ws = self.G.mapping(torch.randn(n, WIDTH))
        return self.G.synthesis(ws)[-1], ws

    def logits(self, images: Tensor) -> Tensor:
        return self.D((images,))[0]

    def d_loss(self) -> Tensor:
        with torch.no_grad():
            fakes = self.fakes()[0]
        fake, real = self.D((torch.cat([fakes, self.reals]),), parts=2)[0].chunk(2)
        return (softplus(fake) + softplus(-real)).mean()

    def gradients(self, outputs: Tensor, inputs: Tensor) -> Tensor:
        return input_gradients(outputs, inputs)[0]

    def ema(self) -> None:
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.G.parameters()), 0.002)


class Textbook(Iteration):
    adam = {"foreach": False}  # noqa: RUF012

    def fakes(self, n: int = BATCH) -> tuple[Tensor, Tensor]:
        ws = self.G.mapping(torch.randn(n, WIDTH))
        return self.G.synthesis(ws), ws

    def logits(self, images: Tensor) -> Tensor:
        return self.D(images)

    def d_loss(self) -> Tensor:
        with torch.no_grad():
            fakes = self.fakes()[0]
        return softplus(self.logits(fakes)).mean() + softplus(-self.logits(self.reals)).mean()


def measure(resolution: int, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each phase, {"ours": {...}, "textbook": {...}}, with the total."""
    G, D = networks(resolution)
    sides = {
        "textbook": Textbook(TextbookGenerator(G), TextbookDiscriminator(D), resolution).phases(),
        "ours": Ours(G, D, resolution).phases(),
    }
    times: dict[str, dict[str, list[float]]] = {side: {phase: [] for phase in PHASES} for side in sides}
    for _ in range(rounds + 1):  # the first round warms up
        for phase in PHASES:
            for side, run in sides.items():
                start = time.perf_counter()
                run[phase]()
                times[side][phase].append((time.perf_counter() - start) * 1000)
    medians = {side: {phase: statistics.median(t[1:]) for phase, t in by.items()} for side, by in times.items()}
    for by in medians.values():
        by["total"] = sum(by[phase] * share for phase, share in SHARES.items())
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, choices=(32, 64), default=32)
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each phase")
    parser.add_argument("--json", action="store_true", help="for another program")
    args = parser.parse_args()
    medians = measure(args.resolution, args.rounds)
    ratios = {phase: medians["textbook"][phase] / medians["ours"][phase] for phase in medians["ours"]}
    if args.json:
        print(json.dumps({"resolution": args.resolution, "threads": torch.get_num_threads(), **medians,
                          "ratio": ratios}))  # fmt: skip
        return
    print(f"resolution {args.resolution}, {torch.get_num_threads()} threads, milliseconds (medians of {args.rounds})")
    print(f"{'':12} {'textbook':>9} {'ours':>9} {'ratio':>6}")
    for phase, ratio in ratios.items():
        print(f"{phase:12} {medians['textbook'][phase]:9.1f} {medians['ours'][phase]:9.1f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
