"""Trials of the plugins that measure: metrics look through made-up features, features at made-up images."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Feature, Metric, Moments, Value
from gancore.errors import GancoreError, PluginError

SAMPLES, D = 64, 4
OUTPUTS = ("features", "logits", "distance")


class SmallMeasurement:
    """The `Measurement` of the contracts: features that are normal numbers, and no generator."""

    samples, seed, device = SAMPLES, 0, torch.device("cpu")

    def fake(self, output: str = "features") -> Tensor:
        return torch.randn(SAMPLES, D, generator=torch.Generator().manual_seed(1)) + 1

    def real(self, output: str = "features") -> Tensor:
        return torch.randn(2 * SAMPLES, D, generator=torch.Generator().manual_seed(2))

    def fake_moments(self) -> Moments:
        return _moments(self.fake())

    def real_moments(self) -> Moments:
        return _moments(self.real())

    def generator(self) -> Any:
        raise GancoreError("there is no generator in a trial")

    def draws(self) -> Iterator[Any]:
        raise GancoreError("there is no generator in a trial")

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).mean(dim=1)


def try_metric(plugin: type[Any], cfg: Any) -> Iterator[str]:
    """What holds of a metric; path lengths and their like, which need a generator, are not measured."""
    metric: Metric = plugin(cfg)
    if metric.needs not in OUTPUTS:
        raise PluginError(f"needs is {metric.needs!r}, and should be one of {', '.join(OUTPUTS)}")
    if not metric.protocol or "\n" in metric.protocol:
        raise PluginError("protocol should be one line that says how the number comes about")
    yield f"protocol: {metric.protocol}"
    if metric.needs == "distance":
        return
    first, again = metric.measure(SmallMeasurement()), metric.measure(SmallMeasurement())
    for name, value in first.items():
        if not isinstance(value, Value) or not torch.tensor(float(value.value)).isfinite():
            raise PluginError(f"measure() should give a finite Value for {name}, not {value!r}")
    if first != again or not first:
        raise PluginError("measure() should give values by name, the same ones for the same images")
    yield f"measures {', '.join(first)}: finite, the same for the same images"


def try_feature(plugin: type[Any], cfg: Any) -> Iterator[str]:
    """What holds of a feature plugin whose weights are there; `check` says it if they are not."""
    feature: Feature = plugin(cfg)
    if not feature.provides or not feature.provides <= set(OUTPUTS):
        raise PluginError(f"provides is {set(feature.provides)}, and should have some of {', '.join(OUTPUTS)}")
    feature.check()
    if not feature.weights_hash():
        raise PluginError("weights_hash() should name the weights")
    feature.prepare(torch.device("cpu"))
    images = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    outputs = sorted(feature.provides - {"distance"})
    for name, rows in (feature.extract(images, outputs) if outputs else {}).items():
        alone = feature.extract(images[:1], outputs)[name]
        if rows.dtype != torch.float32 or rows.ndim != 2 or len(rows) != 3 or not rows.isfinite().all():
            raise PluginError(f"{name} should be finite float32 [3, D], not {rows.dtype} {list(rows.shape)}")
        if not torch.allclose(alone, rows[:1], rtol=1e-3, atol=1e-4):
            raise PluginError(f"{name} of an image should not depend on the other images of the batch")
        yield f"{name}: {list(rows.shape)}, each image by itself"
    if "distance" in feature.provides:
        apart = feature.distance(images.float(), images.flip(0).float())
        if tuple(apart.shape) != (3,) or feature.distance(images.float(), images.float()).abs().max() > 1e-4:
            raise PluginError("distance should have shape [N], and be 0 between equal images")
        yield "distance: [3], 0 between equal images"


def _moments(rows: Tensor) -> Moments:
    return Moments(rows.double().mean(dim=0), torch.cov(rows.double().T))
