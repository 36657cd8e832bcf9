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
from gancore.testing.subject import C, Subject

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
    may_ignore: whether the outputs need not depend on the inputs.
    """

    name: str
    inputs: Mapping[str, Tensor]
    run: Callable[..., Tensor | tuple[Tensor, ...] | None]
    shape: Shape
    differentiable: tuple[str, ...] = ()
    repeatable: bool = True
    may_ignore: bool = False

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
    """The calls of an instance of the plugin, with the sizes of the subject."""
    return list(CALLS[subject.spec.kind](subject, made))


def normal(*shape: int) -> Tensor:
    """The same N(0, 1) numbers for a shape every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _normalization(subject: Subject, made: Any) -> Iterator[Call]:
    weight, n, label = normal(*subject.weight), subject.n, subject.label
    if issubclass(subject.plugin, WeightNormalization):
        yield Call("forward", {"weight": weight}, made, subject.weight, ("weight",))
        return
    c_out, c_in = subject.weight[:2]
    maps = (n, c_out, subject.interface.resolution, subject.interface.resolution)
    y, s = normal(*maps), normal(n, made.style_size) + 1
    yield Call("in_scale", {"s": s, "weight": weight}, made.in_scale, (n, c_in), ("s",))
    yield Call("out_scale", {"y": y, "s": s, "weight": weight}, made.out_scale, (n, c_out), ("s",), may_ignore=True)
    yield Call("statistic", {"y": y}, made.statistic, maps, ("y",))
    if label is not None and made.site.condition:
        inputs = {"y": y, "condition": label}
        yield Call("conditioned", inputs, made.conditioned, maps, ("y", *_condition(subject)))


def _condition(subject: Subject) -> tuple[str, ...]:
    return ("condition",) if "condition" in subject.plugin.provides else ()


def _generator(subject: Subject, made: Any) -> Iterator[Call]:
    n, label, channels = subject.n, subject.label, subject.interface.channels
    z = made.sample_z(SmallDraw(n))
    ws = made.mapping(z, label).detach()

    def painted(stage: Stage | None) -> Iterator[Call]:
        def images(ws: Tensor) -> Images:
            made_images: Images = made.synthesis(ws, noise_mode="const", stage=stage)
            return made_images

        name, size = f"synthesis{at(stage)}", subject.interface.resolution if stage is None else stage.resolution
        yield Call(name, {"ws": ws}, lambda ws: images(ws)[-1], (n, channels, size, size), ("ws",))
        yield Call(f"{name}, coarser images", {"ws": ws}, lambda ws: images(ws)[:-1], (n, channels, ...))

    yield Call("mapping", {"z": z, **_labels(label)}, made.mapping, (n, made.num_ws, made.w_dim), ("z",))
    for stage in (None, *subject.stages):
        yield from painted(stage)


def _discriminator(subject: Subject, made: Any) -> Iterator[Call]:
    """Not repeatable: dropout in a discriminator draws from torch's own generator, which the engine seeds."""
    for stage in (None, *subject.stages):
        size = subject.interface.resolution if stage is None else stage.resolution
        images = normal(subject.n, subject.interface.channels, size, size)
        judge, inputs = partial(_judge, made, stage), {"images": images, **_labels(subject.label)}
        yield Call(f"head{at(stage)}", inputs, judge, (subject.n, ...), ("images",), repeatable=False)


def _labels(label: Tensor | None) -> dict[str, Tensor]:
    return {} if label is None else {"label": label}


def _judge(made: Any, stage: Stage | None, images: Tensor, label: Tensor | None = None) -> tuple[Tensor, ...]:
    """Logits and other outputs."""
    heads: tuple[Tensor, ...]
    if "wanted" not in inspect.signature(made.forward).parameters:
        heads = made((images,), label, stage)
        return heads
    heads, outputs = made((images,), label, stage, 1, tuple(sorted(made.provided_with(made.cfg))))
    return heads + tuple(value for values in outputs.values() for value in values)


def _loss(subject: Subject, made: Any) -> Iterator[Call]:
    """Losses of the whole step are scalars, or have a value a sample."""
    logits = dict(zip(("real", "fake"), normal(2, subject.n), strict=True))
    step = SmallStep.of(subject)
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
        yield Call("d", logits, made.d, (subject.n,), ("real", "fake"))
    else:
        yield Call("discriminator_loss", logits, d_whole, (...,), ("real", "fake"))
    compared = ("real", "fake") if made.needs_reals_for_g else ("fake",)
    if type(made).generator_loss is Loss.generator_loss:
        yield Call("g", logits, g, (subject.n,), compared)
    else:
        yield Call("generator_loss", logits, g_whole, (...,), compared)


def _augmentation(subject: Subject, made: Any) -> Iterator[Call]:
    interface = subject.interface
    images = normal(subject.n, interface.channels, interface.resolution, interface.resolution)
    yield Call(
        "images",
        {"images": images},
        lambda images: made((images,), SmallDraw(subject.n), 0.0),
        tuple(images.shape),
        differentiable=("images",),
    )


def _latent(subject: Subject, made: Any) -> Iterator[Call]:
    yield Call("sample", {}, lambda: made.sample(SmallDraw(subject.n), C), (subject.n, C))


def _regularizer(subject: Subject, made: Any) -> Iterator[Call]:
    """`penalty` starts from the networks of a step that is made anew for every call."""
    ws = normal(subject.n, 3, 8)
    n = subject.n
    yield Call("mix_ws", {"ws": ws}, lambda ws: made.mix_ws(ws, ws.clone, SmallDraw(n)), tuple(ws.shape), ("ws",))
    yield Call("penalty", {}, lambda: made.penalty(SmallStep.of(subject)), (...,))


def at(stage: Stage | None) -> str:
    """The stage as text, for the end of a name."""
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
