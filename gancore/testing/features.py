"""Feature plugins, on made-up images."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gancore.testing.finding import Finding, holds
from gancore.testing.measurement import OUTPUTS
from gancore.testing.options import changed, others
from gancore.testing.subject import Subject

CACHED = "statistics of real images are kept under it"


def weights_are_named(subject: Subject) -> Iterator[Finding]:
    feature = subject.made()
    outputs = f"some of {', '.join(OUTPUTS)}"
    sound = bool(feature.provides) and feature.provides <= set(OUTPUTS)
    yield holds(sound, "provides", outputs, str(set(feature.provides)))
    feature.check()
    name = feature.weights_hash()
    yield holds(isinstance(name, str) and bool(name), "weights_hash", "a name of the weights", repr(name), CACHED)
    again = subject.made()
    again.check()
    same = name == feature.weights_hash() == again.weights_hash()
    yield holds(same, "weights_hash", "the same every time", "another the second time", CACHED)


def each_image_is_seen_by_itself(subject: Subject) -> Iterator[Finding]:
    feature, images = _prepared(subject), _images()
    outputs = sorted(feature.provides - {"distance"})
    if not outputs:
        return
    alone = feature.extract(images[:1], outputs)
    whole = feature.extract(images, outputs)
    yield holds(
        set(whole) == set(outputs), "extract", f"{', '.join(outputs)}", ", ".join(whole), "metrics ask for them"
    )
    for name, rows in whole.items():
        sound = rows.dtype == torch.float32 and rows.ndim == 2 and len(rows) == 3 and bool(rows.isfinite().all())
        yield holds(sound, f"extract, {name}", "finite float32 [3, D]", f"{rows.dtype} {list(rows.shape)}")
        free = not rows.requires_grad
        yield holds(free, f"extract, {name}", "no graph", "one", "memory would grow with the number of images")
        if sound:
            same = torch.allclose(alone[name], rows[:1], rtol=1e-3, atol=1e-4)
            why = "scores would depend on the size of a batch"
            yield holds(
                same, f"extract, {name} of an image", "the same in every batch", "others in a batch of one", why
            )


def images_of_every_size_are_seen(subject: Subject) -> Iterator[Finding]:
    feature = _prepared(subject)
    outputs = sorted(feature.provides - {"distance"})
    for height, width in ((16, 16), (48, 32)):
        for name, rows in feature.extract(_images(height, width), outputs).items() if outputs else ():
            expected = [3, *feature.extract(_images(), outputs)[name].shape[1:]]
            got, why = list(rows.shape), "images of any data set are measured"
            yield holds(got == expected, f"extract, {name} of {height}x{width}", f"shape {expected}", str(got), why)


def images_are_left_as_they_are(subject: Subject) -> Iterator[Finding]:
    feature, images = _prepared(subject), _images()
    if outputs := sorted(feature.provides - {"distance"}):
        before = images.clone()
        feature.extract(images, outputs)
        why = "other features go on with the same images"
        yield holds(images.equal(before), "extract", "images as they were", "images changed in place", why)
    if "distance" in feature.provides:
        a, b = images.float(), images.flip(0).float()
        kept = a.clone(), b.clone()
        feature.distance(a, b)
        sound = a.equal(kept[0]) and b.equal(kept[1])
        yield holds(sound, "distance", "images as they were", "images changed in place", "projection goes on with them")


def other_images_look_otherwise(subject: Subject) -> Iterator[Finding]:
    feature, images = _prepared(subject), _images()
    for name, rows in feature.extract(images, sorted(feature.provides - {"distance"})).items():
        apart = not torch.allclose(rows[0], rows[1])
        yield holds(apart, f"extract, {name}", "other features for other images", "the same", "every score would be 0")


def a_distance_is_zero_between_equal_images(subject: Subject) -> Iterator[Finding]:
    feature, images = _prepared(subject), _images().float()
    if "distance" not in feature.provides:
        return
    other = images.flip(0).requires_grad_()
    with torch.enable_grad():
        apart = feature.distance(images, other)
    together = feature.distance(images, images.clone())
    yield holds(tuple(apart.shape) == (3,), "distance", "shape [3]", str(list(apart.shape)))
    largest = float(together.abs().max())
    yield holds(largest <= 1e-4, "distance", "0 between equal images", f"up to {largest:.3g}")
    yield holds(bool(apart[0] > 0), "distance", "more than 0 between others", f"{float(apart[0].detach()):.3g}")
    backwards = feature.distance(images.flip(0), images)
    sound = torch.allclose(apart, backwards, rtol=1e-3, atol=1e-5)
    yield holds(
        sound,
        "distance",
        "the same both ways",
        f"{float(apart[0].detach()):.4g} and {float(backwards[0].detach()):.4g}",
    )
    gradient = torch.autograd.grad(apart.sum(), other)[0] if apart.requires_grad else torch.zeros(1)
    sound = bool(gradient.any()) and bool(gradient.isfinite().all())
    yield holds(sound, "distance", "a gradient to the image", "none", "projection follows it")


def the_hash_follows_the_weights(subject: Subject) -> Iterator[Finding]:
    """What changes the features, an option or the seed of torch, changes the hash, `variant` or `precision`."""
    before, name = _described(subject)
    torch.manual_seed(1)
    tried = {"another seed of torch": subject}
    for option in subject.plugin.Config.model_fields:
        for value in others(subject.cfg, option):
            if value != getattr(subject.cfg, option) and (cfg := changed(subject.cfg, option, value)):
                tried[f"{option} {value!r}"] = replace(subject, cfg=cfg)
                break
    for what, other in tried.items():
        try:
            after, other_name = _described(other, seed=1)
        except Exception:  # weights that are not here
            continue
        apart = before.shape != after.shape or not torch.allclose(before, after, rtol=1e-3, atol=1e-4)
        got = "the same for other features"
        sound = not apart or name != other_name or before.shape != after.shape
        yield holds(sound, f"weights_hash with {what}", "another hash or variant", got, CACHED)


def _described(subject: Subject, seed: int = 0) -> tuple[Tensor, tuple[str, str, str]]:
    """Features of some images, and what they are known by."""
    torch.manual_seed(seed)
    feature = _prepared(subject, seed)
    outputs = sorted(feature.provides - {"distance"})
    rows = [feature.extract(_images(), outputs)[name] for name in outputs]
    rows += [feature.distance(_images().float(), _images().flip(0).float())] if not outputs else []
    return torch.cat([r.flatten() for r in rows]), (feature.weights_hash(), feature.variant, feature.precision)


def _prepared(subject: Subject, seed: int = 0) -> Any:
    feature = subject.made(seed)
    feature.check()
    feature.prepare(torch.device("cpu"))
    return feature


def _images(height: int = 32, width: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 3, height, width), generator=generator, dtype=torch.uint8)
