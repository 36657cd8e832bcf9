"""The samples of one microbatch of a phase, drawn from the seeds of the phase."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from gancore.composition import GAN
from gancore.contracts import Discriminator, Fakes, Generator, Images, Judged, Logits, Main, Stage
from gancore.data import ImageData
from gancore.data.labels import random_labels
from gancore.errors import PluginError
from gancore.nn import processes
from gancore.nn.precision import at_least_float32
from gancore.training.step.draws import SeededDraw
from gancore.training.step.reals import RealIndices


class PhaseStep:
    """The `Step` of the contracts for one microbatch of one phase."""

    def __init__(
        self,
        gan: GAN,
        data: ImageData,
        reals: RealIndices,
        draw: SeededDraw,
        kimg: float,
        stage: Stage | None = None,
    ) -> None:
        """`reals` and `draw` are the same slice of the batch."""
        self.gan, self.data, self.reals = gan, data, reals
        self.draw, self.kimg, self.stage = draw, kimg, stage
        self.G: Generator = gan.generator
        self.D: Discriminator = gan.discriminator
        self.wanted: tuple[str, ...] = ()
        """Outputs of D besides logits that the main loss and its regularizers use."""
        self._main: Main | None = None
        self._calls = 0

    @cached_property
    def real(self) -> Images:
        return self.G.reals(self.reals.images(self.data, self.draw.device), self.stage)

    @cached_property
    def real_label(self) -> Tensor | None:
        return self.data.labels_of(self.reals.indices, self.draw.device)

    @cached_property
    def fake(self) -> Fakes:
        with torch.no_grad():
            return self._generate(self.draw.scoped("fake"), update_emas=True)

    def generate(self, shrink: int = 1) -> Fakes:
        """Fresh samples with their graph; every call has new random numbers."""
        draw = self.draw.resized(max(self.draw.n // shrink, 1))
        return self._generate(draw.scoped(self._next("generate")))

    @property
    def main(self) -> Main:
        if self._main is None:
            raise PluginError("step.main is what the main loss saw, and this phase has none; it takes interval 1")
        return self._main

    def discriminate(self, images: Images, label: Tensor | None, parts: int = 1) -> Logits:
        return self.D(self._augmented(images, parts), label, self.stage, parts)

    def judge(self, images: Images, label: Tensor | None, wanted: tuple[str, ...], parts: int = 1) -> Judged:
        if not wanted or not self.gan.has_outputs:
            return Judged(label, self.discriminate(images, label, parts), {})
        return Judged(label, *self.D(self._augmented(images, parts), label, self.stage, parts, wanted))

    def compared(self, fakes: Fakes, with_reals: bool) -> Main:
        """D's outputs for fakes, and for reals if needed: the inputs of the main loss of this phase."""
        if with_reals:
            real, fake = self._judged_pair(fakes)
            self._main = Main(fakes, fake, real)
        else:
            self._main = Main(fakes, self.judge(fakes.images, fakes.label, self.wanted), None)
        return self._main

    def _judged_pair(self, fakes: Fakes) -> tuple[Judged, Judged]:
        """Reals and fakes in one batch, with separate statistics: one pass, not two."""
        images = tuple(torch.cat(pair) for pair in zip(self.real, fakes.images, strict=True))
        label = None
        if self.real_label is not None and fakes.label is not None:
            label = torch.cat([self.real_label, fakes.label])
        both = self.judge(images, label, self.wanted, parts=2)
        logits = [head.chunk(2) for head in both.logits]
        outputs = {word: [value.chunk(2) for value in values] for word, values in both.outputs.items()}
        real, fake = (
            Judged(
                label,
                tuple(halves[i] for halves in logits),
                {word: tuple(halves[i] for halves in values) for word, values in outputs.items()},
            )
            for i, label in enumerate((self.real_label, fakes.label))
        )
        return real, fake

    def mean(self, values: Tensor) -> Tensor:
        return processes.mean(values.mean())

    def _generate(self, draw: SeededDraw, update_emas: bool = False) -> Fakes:
        label = random_labels(self.data.label_rows, draw)
        z = self.G.sample_z(draw)
        ws = self.G.mapping(z, label, update_emas=update_emas)
        ws = self._mixed(ws, lambda: self.G.mapping(self.G.sample_z(draw.scoped("again")), label), draw)
        if torch.is_grad_enabled() and not ws.requires_grad:  # a frozen mapping; penalties look at ws
            ws.requires_grad_()
        images = self.G.fakes(ws, lambda: tuple(image[: draw.n] for image in self.real), self.stage, draw, update_emas)
        return Fakes(tuple(map(at_least_float32, images)), ws, z, label, draw)  # as reals are

    def _mixed(self, ws: Tensor, again: Callable[[], Tensor], draw: SeededDraw) -> Tensor:
        """ws after the regularizers' changes to those that are in use; they never see the others."""
        used = self.G.num_ws_at(self.stage)
        rest = ws[:, used:]
        mixed = ws[:, :used]
        for regularizer in self.gan.regularizers.values():
            mixed = regularizer.mix_ws(mixed, lambda: again()[:, :used], draw)
        return torch.cat([mixed, rest], dim=1) if rest.shape[1] else mixed

    def _augmented(self, images: Images, parts: int) -> Images:
        augment = self.gan.augmentation
        if augment is None:
            return images
        scope = self._next("augment")
        draw = self.draw.resized(images[0].shape[0] // parts)
        chunks = zip(*(image.chunk(parts) for image in images), strict=True)
        changed = [augment(chunk, draw.scoped(f"{scope}.{i}"), self.kimg) for i, chunk in enumerate(chunks)]
        return tuple(torch.cat(scale) for scale in zip(*changed, strict=True))

    def _next(self, what: str) -> str:
        self._calls += 1
        return f"{what}{self._calls}"
