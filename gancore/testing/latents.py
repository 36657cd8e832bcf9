"""What a generator makes of latents, labels, truncation and noise."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gancore.testing.finding import Finding, equal, holds
from gancore.testing.step import SmallDraw
from gancore.testing.subject import Subject


def images_follow_latents_and_labels(subject: Subject) -> Iterator[Finding]:
    made, n = subject.stirred(), subject.n
    z = made.sample_z(SmallDraw(n))
    why = "all images would be alike"
    yield holds(z.shape == (n, made.z_dim), "sample_z", f"shape [{n}, {made.z_dim}]", str(list(z.shape)), why)
    again = made.sample_z(SmallDraw(n))
    yield equal("sample_z", again, z, "the same latents for the same draw", "a resumed run would see others")
    one, other = (_image(made, latents, subject.label) for latents in (z, z.flip(0)))
    yield holds(not one.equal(other), "images", "others for other latents", "the same", why)
    if subject.label is not None:
        other = _image(made, z, subject.label.flip(1))
        yield holds(not one.equal(other), "images", "others for other labels", "the same", "classes would be ignored")


def truncation_pulls_to_the_mean(subject: Subject) -> Iterator[Finding]:
    """At psi 0 all ws of a class are the same, in between they are between; a generator without a mean refuses."""
    made, n = subject.made(), subject.n
    z, label = made.sample_z(SmallDraw(n)), subject.label
    label = None if label is None else label[:1].expand(n, -1)
    try:
        none, half, whole = (made.mapping(z, label, truncation_psi=psi) for psi in (0.0, 0.5, 1.0))
    except ValueError:
        yield Finding("mapping", "truncates, or refuses with a ValueError")
        return
    why = "truncation_psi would do something else than it says"
    close = 1e-4 * float(whole.detach().abs().max())
    yield equal("mapping with truncation_psi 0", none, none[:1].expand_as(none), "the same w for every z", why, close)
    yield equal("mapping with truncation_psi 0.5", half, (none + whole) / 2, "ws half-way to the mean", why, close)


def noise_comes_from_the_draw(subject: Subject) -> Iterator[Finding]:
    """Random noise is that of the draw, constant noise stays, and all modes have images of one shape."""
    made, n = subject.stirred(), subject.n
    ws = made.mapping(made.sample_z(SmallDraw(n)), subject.label)
    draw = SmallDraw(n)

    def images(mode: str) -> Tensor:
        made.eval()  # dropout may draw for itself
        torch.randn(1)
        found: Tensor = made.synthesis(ws, noise_mode=mode, draw=draw)[-1]
        return found

    why = "a resumed run would paint other images"
    for mode in ("random", "const", "none"):
        yield equal(f"synthesis with noise {mode}", images(mode), images(mode), "the same images again", why)
    unlike = not images("random").equal(images("const"))
    if unlike:  # it takes noise
        other = made.synthesis(ws, noise_mode="random", draw=draw.scoped("other"))[-1]
        moved = not other.equal(images("random"))
        yield holds(moved, "synthesis with noise random", "other noise for another draw", "the same", why)


def moving_averages_wait_for_the_end_of_a_step(subject: Subject) -> Iterator[Finding]:
    """A pass does not change the saved state; with `update_emas` too, until `end_step`."""
    made, n = subject.made(), subject.n
    before = {name: value.clone() for name, value in made.state_dict().items()}
    for update in (False, True):
        ws = made.mapping(made.sample_z(SmallDraw(n)), subject.label, update_emas=update)
        made.synthesis(ws, draw=SmallDraw(n), update_emas=update)
    changed = [name for name, value in made.state_dict().items() if not value.equal(before[name])]
    why = "microbatches would move it several times a step"
    yield holds(not changed, "state", "as it was until end_step", f"another {', '.join(changed)}", why)


def _image(made: Any, z: Tensor, label: Tensor | None) -> Tensor:
    image: Tensor = made.synthesis(made.mapping(z, label), noise_mode="const")[-1]
    return image
