"""Calls of the plugins of each kind, so that a check can examine the outputs of any of them."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Images, Judged, Loss, Stage, WeightNormalization
from gancore.testing.step import SmallDraw, SmallStep
from gancore.testing.subject import INTERFACE, LABEL, WEIGHT, C, N, R, Subject

Shape = tuple[int | EllipsisType, ...]


@dataclass(frozen=True)
class Call:
    """One call of a method with small inputs.

    name: what is called, "statistic".
    inputs: tensors, by the names that `run` has for them.
    run: makes the call; returns one tensor or several, None if the plugin has nothing to return.
    shape: that of every tensor it returns; an ellipsis matches any further sizes.
    differentiable: inputs that gradients have to reach.
    repeatable: whether the same inputs must have the same outputs.
    """

    name: str
    inputs: Mapping[str, Tensor]
    run: Callable[..., Tensor | tuple[Tensor, ...] | None]
    shape: Shape
    differentiable: tuple[str, ...] = ()
    repeatable: bool = True

    def outputs(self, inputs: Mapping[str, Tensor] | None = None) -> tuple[Tensor, ...]:
        """The plugin's results for these inputs, or for those of the call."""
        try:
            returned = self.run(**(self.inputs if inputs is None else inputs))
        except Exception as error:
            error.add_note(self.name)  # shown with the finding
            raise
        if returned is None:
            return ()
        return returned if isinstance(returned, tuple) else (returned,)


def calls_of(subject: Subject, made: Any) -> list[Call]:
    """The calls of an instance of the plugin."""
    return list(CALLS[subject.spec.kind](subject, made))


def normal(*shape: int) -> Tensor:
    """The same N(0, 1) numbers for a shape every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _normalization(subject: Subject, made: Any) -> Iterator[Call]:
    weight = normal(*WEIGHT)
    if issubclass(subject.plugin, WeightNormalization):
        yield Call("forward", {"weight": weight}, made, tuple(WEIGHT), ("weight",))
        return
    y, s = normal(N, C, R, R), normal(N, made.style_size) + 1
    yield Call("in_scale", {"s": s}, lambda s: made.in_scale(s, weight), (N, C))
    yield Call("out_scale", {"y": y, "s": s}, lambda y, s: made.out_scale(y, s, weight), (N, C))
    yield Call("statistic", {"y": y}, made.statistic, (N, C, R, R), ("y",))
    if made.site.condition:
        yield Call("conditioned", {"y": y}, lambda y: made.conditioned(y, LABEL), (N, C, R, R), ("y",))


def _generator(subject: Subject, made: Any) -> Iterator[Call]:
    z = made.sample_z(SmallDraw(N))
    ws = made.mapping(z, LABEL).detach()

    def painted(stage: Stage | None) -> Iterator[Call]:
        def images(ws: Tensor) -> Images:
            made_images: Images = made.synthesis(ws, noise_mode="const", stage=stage)
            return made_images

        size, channels, name = R if stage is None else stage.resolution, INTERFACE.channels, f"synthesis{_at(stage)}"
        yield Call(name, {"ws": ws}, lambda ws: images(ws)[-1], (N, channels, size, size))
        yield Call(f"{name}, coarser images", {"ws": ws}, lambda ws: images(ws)[:-1], (N, channels, ...))

    yield Call("mapping", {"z": z}, lambda z: made.mapping(z, LABEL), (N, made.num_ws, made.w_dim))
    for stage in (None, *subject.stages):
        yield from painted(stage)


def _discriminator(subject: Subject, made: Any) -> Iterator[Call]:
    """Not repeatable: dropout in a discriminator draws from torch's own generator, which the engine seeds."""
    for stage in (None, *subject.stages):
        size = R if stage is None else stage.resolution
        images = normal(N, INTERFACE.channels, size, size)
        judge = partial(_judge, made, stage)
        yield Call(f"head{_at(stage)}", {"images": images}, judge, (N, ...), repeatable=False)


def _judge(made: Any, stage: Stage | None, images: Tensor) -> tuple[Tensor, ...]:
    """Logits and other outputs."""
    heads: tuple[Tensor, ...]
    if "wanted" not in inspect.signature(made.forward).parameters:
        heads = made((images,), LABEL, stage)
        return heads
    heads, outputs = made((images,), LABEL, stage, 1, tuple(sorted(made.provided_with(made.cfg))))
    return heads + tuple(value for values in outputs.values() for value in values)


def _loss(subject: Subject, made: Any) -> Iterator[Call]:
    """Losses of the whole step are scalars, or have a value a sample."""
    logits = dict(zip(("real", "fake"), normal(2, N), strict=True))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the networks of the step are the same every time
        step = SmallStep(INTERFACE, SmallDraw(N), LABEL)
    seen = step.main

    def judged(real: Tensor, fake: Tensor) -> tuple[Judged, Judged]:
        assert seen.real is not None, "a small step has both sides"
        return replace(seen.real, logits=(real,)), replace(seen.fake, logits=(fake,))

    def d_whole(real: Tensor, fake: Tensor) -> Tensor:
        loss: Tensor = made.discriminator_loss(step, *judged(real, fake))
        return loss

    def g_whole(real: Tensor, fake: Tensor) -> Tensor:
        reals, fakes = judged(real, fake)
        loss: Tensor = made.generator_loss(step, fakes, reals if made.needs_reals_for_g else None)
        return loss

    def g(real: Tensor, fake: Tensor) -> Tensor:
        loss: Tensor = made.g(fake, real if made.needs_reals_for_g else None)
        return loss

    if type(made).discriminator_loss is Loss.discriminator_loss:
        yield Call("d", logits, made.d, (N,), ("fake",))
    else:
        yield Call("discriminator_loss", logits, d_whole, (...,), ("fake",))
    if type(made).generator_loss is Loss.generator_loss:
        yield Call("g", logits, g, (N,), ("fake",))
    else:
        yield Call("generator_loss", logits, g_whole, (...,), ("fake",))


def _augmentation(subject: Subject, made: Any) -> Iterator[Call]:
    images = normal(N, INTERFACE.channels, R, R)
    yield Call(
        "images",
        {"images": images},
        lambda images: made((images,), SmallDraw(N), 0.0),
        tuple(images.shape),
        differentiable=("images",),
    )


def _latent(subject: Subject, made: Any) -> Iterator[Call]:
    yield Call("sample", {}, lambda: made.sample(SmallDraw(N), C), (N, C))


def _regularizer(subject: Subject, made: Any) -> Iterator[Call]:
    ws = normal(N, 3, 8)
    yield Call("mix_ws", {"ws": ws}, lambda ws: made.mix_ws(ws, ws.clone, SmallDraw(N)), tuple(ws.shape))


def _at(stage: Stage | None) -> str:
    return "" if stage is None else f" at {stage.resolution}x{stage.resolution}, alpha {stage.alpha:g}"


CALLS: Mapping[str, Callable[[Subject, Any], Iterator[Call]]] = {
    "normalization": _normalization,
    "generator": _generator,
    "discriminator": _discriminator,
    "loss": _loss,
    "augmentation": _augmentation,
    "regularizer": _regularizer,
    "latent": _latent,
}
"""By kind; plugins of the other kinds measure, or read files, and have other checks."""
