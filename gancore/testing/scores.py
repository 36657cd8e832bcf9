"""Metrics, through made-up features."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from gancore.contracts import Value
from gancore.testing.finding import Finding, holds
from gancore.testing.measurement import OUTPUTS, SAMPLES, SmallMeasurement
from gancore.testing.subject import Subject


def a_protocol_is_one_line(subject: Subject) -> Iterator[Finding]:
    metric = subject.made()
    why = "it is printed beside the number, for comparisons"
    sound = bool(metric.protocol) and "\n" not in metric.protocol
    yield holds(sound, "protocol", "one line", repr(metric.protocol), why)
    yield holds(metric.needs in OUTPUTS, "needs", f"one of {', '.join(OUTPUTS)}", repr(metric.needs))
    sound = isinstance(metric.samples, int) and metric.samples >= 1
    yield holds(sound, "samples", "a number of images", repr(metric.samples))


def values_are_finite_and_repeat(subject: Subject) -> Iterator[Finding]:
    """Path lengths and their like, which need a generator, are not measured."""
    first, again = _measured(subject), _measured(subject)
    if first is None:
        return
    yield holds(bool(first), "measure", "values by name", "none", "there is nothing to report")
    for name, value in first.items():
        sound = isinstance(value, Value) and bool(torch.tensor(float(value.value)).isfinite())
        yield holds(sound, f"measure, {name}", "a finite Value", repr(value), "a report could not rank it")
        if sound and value.spread is not None:
            yield holds(value.spread >= 0, f"measure, {name}", "a spread from 0", repr(value.spread))
    yield holds(first == again, "measure", "the same values for the same images", f"{first}, then {again}")


def values_are_declared(subject: Subject) -> Iterator[Finding]:
    """`values` lists what `measure` returns; without it there is one value, of the plugin's name."""
    if (found := _measured(subject)) is None:
        return
    declared = list(subject.plugin.values)
    sound = list(found) == declared if declared else len(found) == 1
    expected = ", ".join(declared) or "one value, or `values` with the names of all"
    yield holds(
        sound, "values", expected, ", ".join(found), "columns of a report are known before anything is measured"
    )


def the_order_of_images_does_not_matter(subject: Subject) -> Iterator[Finding]:
    """But for rounding, and for subsets and splits that a metric takes: then within a tenth, or its spread."""
    if (first := _measured(subject)) is None:
        return
    for name, value in (_measured(subject, order=5) or {}).items():
        before, allowed = first[name].value, max(1e-5, first[name].spread or 0.0)
        sound = abs(value.value - before) <= allowed + (0.1 if first[name].spread else 1e-4) * abs(before)
        got = f"{value.value:.6g}, {before:.6g} before"
        yield holds(sound, f"measure, {name}", "the same for another order", got, "batches come in any order")


def shared_features_are_left_as_they_are(subject: Subject) -> Iterator[Finding]:
    metric, images = subject.made(), SmallMeasurement()
    before = images.fake().clone(), images.real().clone()
    if metric.needs in OUTPUTS and metric.needs != "distance":
        metric.measure(images)
        sound = images.fake().equal(before[0]) and images.real().equal(before[1])
        why = "other metrics go on with the same features"
        yield holds(sound, "measure", "features as they were", "features changed in place", why)


def better_images_score_better(subject: Subject) -> Iterator[Finding]:
    """Features near those of real images against some far away; of metrics on features alone."""
    if subject.made().needs != "features" or (near := _measured(subject, shift=0.0)) is None:
        return
    far = _measured(subject, shift=4.0) or {}
    name = next(iter(near))
    a, b = near[name].value, far[name].value
    better = a > b if subject.plugin.higher_is_better else a < b
    expected = f"{'more' if subject.plugin.higher_is_better else 'less'} for images like the real ones"
    yield holds(
        better, f"measure, {name}", expected, f"{a:.4g}, and {b:.4g} for others", "the best model is kept by it"
    )


def shortages_are_sentences(subject: Subject) -> Iterator[Finding]:
    """And there is none with all the images of the protocol."""
    metric = subject.made()
    why = "an experiment is refused with them"
    few = [*metric.shortages(1, 1), *metric.shortages(SAMPLES, None)]
    yield holds(all(isinstance(one, str) for one in few), "shortages", "sentences", repr(few), why)
    enough = list(metric.shortages(metric.samples, 10 * metric.samples))
    yield holds(not enough, "shortages", "none with all samples of the protocol", "; ".join(map(str, enough)), why)


def _measured(subject: Subject, **images: Any) -> Mapping[str, Value] | None:
    metric = subject.made()
    if metric.needs not in OUTPUTS or metric.needs == "distance":
        return None
    found: Mapping[str, Value] = metric.measure(SmallMeasurement(**images))
    return found
