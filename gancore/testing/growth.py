"""A network that grows: at weight 0 of its newest block it is the network before, at weight 1 the whole."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Stage
from gancore.testing.calls import normal
from gancore.testing.finding import Finding, equal, holds
from gancore.testing.gradients import trained
from gancore.testing.step import SmallDraw
from gancore.testing.subject import Subject

WHY = "a run that grows would jump where a fade begins or ends"


def growing_paints_as_its_stage_says(subject: Subject) -> Iterator[Finding]:
    if "growth" not in subject.plugin.provides:
        return
    made, r = subject.stirred(), subject.interface.resolution
    ws = made.mapping(made.sample_z(SmallDraw(subject.n)), subject.label).detach()

    def image(*stage: Any) -> Tensor:
        painted: Tensor = made.synthesis(ws, noise_mode="const", stage=Stage(*stage) if stage else None)[-1]
        return painted

    whole, old, half, new = image(), image(r, 0.0), image(r, 0.5), image(r, 1.0)
    close = 1e-3 * float(whole.detach().abs().max())
    yield equal(f"synthesis at {r}x{r}, alpha 1", new, whole, "the image of the whole network", WHY, close)
    yield equal(f"synthesis at {r}x{r}, alpha 0.5", half, (old + new) / 2, "half of those of alpha 0 and 1", WHY, close)
    before = image(r // 2, 1.0)
    alike = _correlation(F.avg_pool2d(old, 2), before)
    expected = f"the image at {r // 2}x{r // 2}, enlarged"
    yield holds(alike > 0.8, f"synthesis at {r}x{r}, alpha 0", expected, f"one that correlates by {alike:.2f}", WHY)
    yield from _left_alone(made, lambda stage: image(stage.resolution, stage.alpha).sum(), r)
    used = made.num_ws_at(Stage(r // 2))
    sound = 1 <= used <= made.num_ws
    yield holds(sound, "num_ws_at", f"1 to {made.num_ws} ws in use", str(used), "style mixing chooses among them")
    if sound and used < made.num_ws:
        other = torch.cat([ws[:, :used], torch.randn_like(ws[:, used:])], dim=1)
        again = made.synthesis(other, noise_mode="const", stage=Stage(r // 2))[-1]
        yield equal("num_ws_at", again, before, "an image that depends on the ws in use only", WHY)


def growing_judges_as_its_stage_says(subject: Subject) -> Iterator[Finding]:
    if "growth" not in subject.plugin.provides:
        return
    made, r = subject.stirred(), subject.interface.resolution
    images = normal(subject.n, subject.interface.channels, r, r)

    def head(stage: Stage | None) -> Tensor:
        size = r if stage is None else stage.resolution
        logits: Tensor = made((F.avg_pool2d(images, r // size),), subject.label, stage)[0]
        return logits

    whole, old, new = head(None), head(Stage(r, 0.0)), head(Stage(r, 1.0))
    close = 1e-3 * float(whole.detach().abs().max())
    yield equal(f"head at {r}x{r}, alpha 1", new, whole, "the logits of the whole network", WHY, close)
    apart = bool((old - new).abs().max() > 0)
    yield holds(apart, f"head at {r}x{r}, alpha 0", "other logits than at alpha 1", "the same", WHY)
    yield from _left_alone(made, lambda stage: head(stage).sum(), r)


def reals_have_the_form_of_images(subject: Subject) -> Iterator[Finding]:
    """As many, of the same shapes, at every stage."""
    made, r = subject.made(), subject.interface.resolution
    ws = made.mapping(made.sample_z(SmallDraw(subject.n)), subject.label)
    real = normal(subject.n, subject.interface.channels, r, r)
    for stage in (None, *subject.stages):
        painted = [list(image.shape) for image in made.synthesis(ws, stage=stage)]
        shown = [list(image.shape) for image in made.reals(real.clone(), stage)]
        why = "the discriminator sees both in one batch"
        yield holds(shown == painted, "reals", f"images of shapes {painted}", str(shown), why)


def _left_alone(made: Any, total: Any, r: int) -> Iterator[Finding]:
    """Blocks that are not there yet get no gradient, and those that have weight 0 none but zeros."""
    whole, before = (_reached(made, total(Stage(*stage))) for stage in ((r, 1.0), (r // 2, 1.0)))
    what = "no gradient for the blocks above"
    yield holds(not whole <= before, f"gradient at {r // 2}x{r // 2}", what, "gradients for all parameters", WHY)
    faded = _reached(made, total(Stage(r, 0.0)))
    what = "no gradient for what has weight 0"
    yield holds(not whole <= faded, f"gradient at {r}x{r}, alpha 0", what, "gradients for all parameters", WHY)


def _reached(made: Any, total: Tensor) -> set[str]:
    parameters = trained(made)
    found = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
    return {name for name, g in zip(parameters, found, strict=True) if g is not None and g.any()}


def _correlation(a: Tensor, b: Tensor) -> float:
    a, b = ((x - x.mean()).flatten() for x in (a.detach(), b.detach()))
    return float((a @ b) / (a.norm() * b.norm() + 1e-12))
