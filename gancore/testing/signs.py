"""Losses have the right sign: D learns to tell reals from fakes, G to be taken for real."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gancore.contracts import Judged
from gancore.testing.finding import Finding, holds
from gancore.testing.step import WORDS, SmallStep
from gancore.testing.subject import Subject

STEPS, RATE = 20, 0.05


def d_learns_to_tell_reals_from_fakes(subject: Subject) -> Iterator[Finding]:
    """Twenty steps of a small D on bright reals and dark fakes; it names the classes, where the loss asks for them."""
    made, step = subject.made(), SmallStep.of(subject)
    D, label = step.D, subject.label
    shifted = [tuple(x * 0.1 + side for x in step.real) for side in (1, -1)]

    def seen() -> tuple[Judged, Judged]:
        real, fake = (step.judge(images, label, WORDS) for images in shifted)
        return real, fake

    def gap() -> float:
        real, fake = seen()
        return float((real.logits[0].mean() - fake.logits[0].mean()).detach())

    def right() -> float:
        (classes,) = seen()[0].outputs["class_logits"]
        return 0.0 if label is None else float((classes.softmax(1) * label).sum(1).mean().detach())

    before, named = gap(), right()
    for _ in range(STEPS):
        D.zero_grad()
        made.discriminator_loss(step, *seen()).mean().backward()
        _descend([p for p in D.parameters() if p.grad is not None])
    what = "larger logits of reals than of fakes"
    got = f"a gap of {gap():.3g} after {STEPS} steps, {before:.3g} before"
    yield holds(gap() > 0, "discriminator_loss", what, got, "D would learn the opposite")
    if "discriminator:class_logits" in subject.plugin.requires and label is not None:
        got = f"{right():.3g} on the right class after {STEPS} steps, {named:.3g} before"
        yield holds(
            right() > named, "discriminator_loss", "classes that are named better", got, "classes would be lost"
        )


def g_learns_to_be_taken_for_real(subject: Subject) -> Iterator[Finding]:
    """The loss of G falls where logits of fakes rise."""
    made, step = subject.made(), SmallStep.of(subject)
    seen = step.main
    assert seen.real is not None, "a small step has both sides"
    logits = torch.linspace(-1, 1, subject.n).requires_grad_()
    fake = replace(seen.fake, logits=(logits,))
    loss = made.generator_loss(
        step, fake, replace(seen.real, logits=(logits.detach().flip(0),)) if _compares(made) else None
    )
    (slope,) = torch.autograd.grad(loss.mean(), logits)
    got = f"a slope of {float(slope.mean()):.3g}"
    yield holds(_falls(slope), "generator_loss", "one that falls as the logits of fakes rise", got, "G would get worse")


@torch.no_grad()
def _descend(parameters: list[Tensor]) -> None:
    """A step of a fixed length against the gradient."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    length = torch.stack([g.norm() for g in gradients]).norm() + 1e-12
    for p, g in zip(parameters, gradients, strict=True):
        p.sub_(g, alpha=RATE / float(length))


def _falls(slope: Tensor) -> bool:
    return bool(slope.mean() < 0)


def _compares(made: object) -> bool:
    return bool(getattr(made, "needs_reals_for_g", False))
