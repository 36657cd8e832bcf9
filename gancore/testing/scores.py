"""Metrics through made-up features, and feature plugins on made-up images."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Value
from gancore.testing.family import check
from gancore.testing.finding import Finding, holds
from gancore.testing.measurement import OUTPUTS, SmallMeasurement
from gancore.testing.subject import Subject


@check("metric")
def a_protocol_is_one_line(subject: Subject) -> Iterator[Finding]:
    metric = subject.made()
    why = "it is printed beside the number, for comparisons"
    yield holds(
        bool(metric.protocol) and "\n" not in metric.protocol, "protocol", "one line", repr(metric.protocol), why
    )
    yield holds(metric.needs in OUTPUTS, "needs", f"one of {', '.join(OUTPUTS)}", repr(metric.needs))


@check("metric")
def values_are_finite_and_repeat(subject: Subject) -> Iterator[Finding]:
    """Path lengths and their like, which need a generator, are not measured."""
    metric = subject.made()
    if metric.needs not in OUTPUTS or metric.needs == "distance":
        return
    first, again = metric.measure(SmallMeasurement()), metric.measure(SmallMeasurement())
    yield holds(bool(first), "measure", "values by name", "none", "there is nothing to report")
    for name, value in first.items():
        sound = isinstance(value, Value) and bool(torch.tensor(float(value.value)).isfinite())
        yield holds(sound, f"measure, {name}", "a finite Value", repr(value), "a report could not rank it")
    yield holds(first == again, "measure", "the same values for the same images", f"{first}, then {again}")


@check("feature")
def weights_are_named(subject: Subject) -> Iterator[Finding]:
    feature = subject.made()
    outputs = f"some of {', '.join(OUTPUTS)}"
    yield holds(
        bool(feature.provides) and feature.provides <= set(OUTPUTS), "provides", outputs, str(set(feature.provides))
    )
    feature.check()
    why = "statistics of real images are kept under it"
    yield holds(bool(feature.weights_hash()), "weights_hash", "a name of the weights", "none", why)


@check("feature")
def each_image_is_seen_by_itself(subject: Subject) -> Iterator[Finding]:
    feature, images = _prepared(subject), _images()
    outputs = sorted(feature.provides - {"distance"})
    if not outputs:
        return
    alone = feature.extract(images[:1], outputs)
    for name, rows in feature.extract(images, outputs).items():
        sound = rows.dtype == torch.float32 and rows.ndim == 2 and len(rows) == 3 and bool(rows.isfinite().all())
        yield holds(sound, name, "finite float32 [3, D]", f"{rows.dtype} {list(rows.shape)}")
        if sound:
            same = torch.allclose(alone[name], rows[:1], rtol=1e-3, atol=1e-4)
            why = "scores would depend on the size of a batch"
            yield holds(same, f"{name} of an image", "the same in every batch", "others in a batch of one", why)


@check("feature")
def a_distance_is_zero_between_equal_images(subject: Subject) -> Iterator[Finding]:
    feature, images = _prepared(subject), _images().float()
    if "distance" in feature.provides:
        apart, together = feature.distance(images, images.flip(0)), feature.distance(images, images)
        yield holds(tuple(apart.shape) == (3,), "distance", "shape [3]", str(list(apart.shape)))
        largest = float(together.abs().max())
        yield holds(largest <= 1e-4, "distance", "0 between equal images", f"up to {largest:.3g}")


def _prepared(subject: Subject) -> Any:
    feature = subject.made()
    feature.check()
    feature.prepare(torch.device("cpu"))
    return feature


def _images() -> Tensor:
    return torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
