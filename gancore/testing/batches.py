"""The result of a sample does not depend on unrelated samples, nor on how a batch is divided."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gancore.contracts import Judged, WeightNormalization
from gancore.testing.calls import calls_of, normal
from gancore.testing.finding import Finding, equal, holds
from gancore.testing.step import SmallDraw, SmallStep
from gancore.testing.subject import C, Subject

APART = "reals and fakes share one batch, in two parts, and must not see each other's statistics"
SLICES = "microbatches and processes see slices of a batch, and must see the same"
MEAN = "the engine takes means over microbatches of any size"


def parts_are_normalized_apart(subject: Subject) -> Iterator[Finding]:
    """Two parts against the halves of the batch, with the label where there is one."""
    if issubclass(subject.plugin, WeightNormalization):
        return
    layer, label = subject.stirred(), subject.label
    y, what = normal(subject.n, subject.weight[0], 16, 16) + torch.arange(subject.n)[:, None, None, None], "each half's"
    halves = torch.cat([layer.statistic(half.clone()) for half in y.chunk(2)])
    yield equal("statistic with parts=2", layer.statistic(y.clone(), parts=2), halves, what, APART, tolerance=1e-5)
    if label is not None and layer.site.condition:
        pairs = zip(y.chunk(2), label.chunk(2), strict=True)
        halves = torch.cat([layer.conditioned(half.clone(), own) for half, own in pairs])
        whole = layer.conditioned(y.clone(), label, parts=2)
        yield equal("conditioned with parts=2", whole, halves, what, APART, tolerance=1e-5)


def parts_are_judged_apart(subject: Subject) -> Iterator[Finding]:
    """Two parts against the halves of the batch, without dropout."""
    network, size = subject.stirred(), subject.interface.resolution
    images = normal(subject.n, subject.interface.channels, size, size)
    images = images + torch.arange(subject.n)[:, None, None, None]
    label = subject.label
    labels = [None, None] if label is None else label.chunk(2)
    with torch.no_grad():
        one, other = (network((images.clone(),), label, parts=2)[0] for _ in range(2))
        network.train(bool(one.equal(other)))  # what draws (dropout) is compared without it
        whole = network((images.clone(),), label, parts=2)
        halves = [network((half.clone(),), own) for half, own in zip(images.chunk(2), labels, strict=True)]
    for index, (head, *both) in enumerate(zip(whole, *halves, strict=True)):
        about = f"head {index} with parts=2"
        yield equal(about, head, torch.cat(both), "that of each half", APART, tolerance=1e-3 * float(head.abs().max()))


def samples_are_painted_apart(subject: Subject) -> Iterator[Finding]:
    """Once trained, and without a normalization over the batch."""
    for call in calls_of(subject, subject.stirred().eval()):
        first = call.outputs({name: value[:2] for name, value in call.inputs.items()})
        for own, every in zip(first, call.outputs(), strict=True):
            tolerance = 1e-3 * float(every.detach().abs().max())
            yield equal(f"{call.name} of 2 of {subject.n}", own, every[:2], "the same images", SLICES, tolerance)


def samples_are_augmented_apart(subject: Subject) -> Iterator[Finding]:
    made, size = subject.made(), subject.interface.resolution
    images = normal(subject.n, subject.interface.channels, size, size)
    (whole,), (first,) = made((images,), SmallDraw(subject.n), 0.0), made((images[:2],), SmallDraw(2), 0.0)
    yield equal(f"images, 2 of {subject.n}", first, whole[:2], "changed in the same way", SLICES, tolerance=1e-4)


def scales_are_augmented_alike(subject: Subject) -> Iterator[Finding]:
    """The same images as two scales of a pyramid."""
    made, size = subject.made(), subject.interface.resolution
    images = normal(subject.n, subject.interface.channels, size, size)
    one, other = made((images, images.clone()), SmallDraw(subject.n), 0.0)
    why = "a discriminator that sees all scales would tell reals by their disagreement"
    yield equal("images of two scales", one, other, "each sample changed alike at every scale", why, tolerance=1e-5)


def samples_are_drawn_apart(subject: Subject) -> Iterator[Finding]:
    made = subject.made()
    first, whole = made.sample(SmallDraw(2), C), made.sample(SmallDraw(subject.n), C)
    yield equal(f"sample, 2 of {subject.n}", first, whole[:2], "the same latents", SLICES, tolerance=1e-6)
    kind = str(whole.dtype)
    yield holds(whole.dtype == torch.float32, "sample", "float32", kind, "networks are float32")
    got = list(made.sample(SmallDraw(subject.n), 5).shape)
    yield holds(got == [subject.n, 5], "sample of size 5", f"shape [{subject.n}, 5]", str(got), "z_dim decides")
    others = whole.flip(0), made.sample(SmallDraw(subject.n).scoped("other"), C)
    for what, other in zip(("sample", "draw"), others, strict=True):
        yield holds(not whole.equal(other), "sample", f"other latents for another {what}", "the same", "one image")


def losses_are_means(subject: Subject) -> Iterator[Finding]:
    """Every sample twice, against once."""
    step = SmallStep.of(subject)
    seen = step.main
    assert seen.real is not None, "a small step has both sides"
    real, fake = seen.real, seen.fake
    twice = SmallStep.of(subject)
    twice.draw, twice.real = replace(step.draw, n=2 * step.draw.n), tuple(torch.cat([x, x]) for x in step.real)
    twice.real_label = None if step.real_label is None else torch.cat([step.real_label] * 2)
    for name, once, doubled in (
        ("discriminator_loss", (step, real, fake), (twice, _twice(real), _twice(fake))),
        ("generator_loss", (step, fake, real), (twice, _twice(fake), _twice(real))),
    ):
        if name == "generator_loss" and not subject.plugin.needs_reals_for_g:
            once, doubled = (*once[:2], None), (*doubled[:2], None)  # type: ignore[assignment]
        made = subject.made()
        a, b = getattr(made, name)(*once).mean(), getattr(made, name)(*doubled).mean()
        tolerance = 1e-4 * float(a.detach().abs()) + 1e-6
        yield equal(f"{name} of every sample twice", b, a, "the same mean", MEAN, tolerance)


def _twice(judged: Judged) -> Judged:
    def two(x: Tensor) -> Tensor:
        return torch.cat([x, x])

    label = None if judged.label is None else two(judged.label)
    outputs = {name: tuple(map(two, values)) for name, values in judged.outputs.items()}
    return Judged(label, tuple(map(two, judged.logits)), outputs)
