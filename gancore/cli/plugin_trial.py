"""Builds a plugin small, otherwise with its default options, and looks whether it keeps its contract.

Every trial yields the things that were looked at, in words, and raises PluginError at the first that is not so.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from gancore.cli.plugin_declarations import check_declarations, check_problems, check_scalars
from gancore.cli.plugin_measurement import try_feature, try_metric
from gancore.cli.plugin_step import SmallDraw, SmallStep
from gancore.composition.contract import flaws
from gancore.contracts import (
    Context,
    Images,
    Interface,
    Normalization,
    PluginConfig,
    Regularizer,
    Site,
    Stage,
    WeightNormalization,
)
from gancore.errors import GancoreError, PluginError
from gancore.nn.options import ChannelsConfig
from gancore.registry import PluginSpec

N, C, R = 4, 8, 16
INTERFACE = Interface(resolution=R, channels=3, label_dim=2)
LABEL = torch.eye(2).repeat(N // 2, 1)
CONTEXT = Context(INTERFACE, N)
FEW_CHANNELS = ChannelsConfig(base=256, max=16)


def try_plugin(spec: PluginSpec) -> Iterator[str]:
    """What holds of a plugin: that it loads, and does its task on small inputs where its options have defaults.

    Raises PluginError for what does not hold, and for whatever the plugin raises itself.
    """
    plugin = spec.load()
    yield f"loads as {spec.kind}: {spec.target}"
    with spec.blamed("fails"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield check_declarations(plugin, spec.kind)
        try:
            cfg = plugin.Config(**_few_channels(plugin))
        except ValidationError as error:
            reasons = (": ".join([*map(str, each["loc"]), each["msg"]]) for each in error.errors())
            yield f"not built, for some options must be given: {'; '.join(reasons)}"
            return
        yield check_problems(plugin, cfg, CONTEXT)
        try:
            yield from TRIALS.get(spec.kind, lambda *_: iter(()))(plugin, cfg)
        except PluginError:
            raise
        except GancoreError as missing:  # weights that are not here, a package that is not installed
            yield f"not tried any further: {missing}"


def _few_channels(plugin: type[Any]) -> dict[str, ChannelsConfig]:
    """Fewer feature maps than the default: what is looked at does not depend on them, and takes a moment."""
    fields = plugin.Config.model_fields
    kinds = (ChannelsConfig, ChannelsConfig | None)
    return {name: FEW_CHANNELS for name, field in fields.items() if field.annotation in kinds}


def _built(plugin: type[Any], cfg: PluginConfig, *context: Any) -> Any:
    """An instance that has what its contract asks for. Raises PluginError."""
    made = plugin(cfg, *context)
    if found := "; ".join(flaws(made)):
        raise PluginError(found)
    return made


def _normalization(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    if issubclass(plugin, WeightNormalization):
        weight = torch.randn(C, C, 3, 3, requires_grad=True)
        made = _built(plugin, cfg, weight.shape)
        yield _shape("weight", made(weight), weight.shape)
        yield _gradients(made(weight).sum(), {"weight": weight})
        yield check_scalars(made)
        return
    styled = "network:styles" in plugin.requires
    layer: Normalization = _built(plugin, cfg, Site("b16.conv0", R, 1, 3, C, C, "generator", styled))
    y = torch.randn(N, C, R, R, requires_grad=True)
    weight, s = torch.randn(C, C, 3, 3), torch.randn(N, layer.style_size) + 1
    for name, scale in (("in_scale", layer.in_scale(s, weight)), ("out_scale", layer.out_scale(y, s, weight))):
        if scale is not None:
            yield _shape(name, scale, (N, C))
    out = layer.statistic(y)
    yield _shape("statistic", out, y.shape)
    yield _gradients((out * torch.randn_like(out)).sum(), {"input": y})
    yield _shape("statistic of a batch of one", layer.statistic(y[:1]), (1, C, R, R))
    halves = torch.cat([layer.statistic(half) for half in y.chunk(2)])
    if layer.training and not torch.allclose(layer.statistic(y, parts=2), halves, atol=1e-5):
        raise PluginError("statistic(y, parts=2) should look at each half of the batch apart")
    yield "statistic with parts=2: each half of the batch apart"
    yield check_scalars(layer)


def _generator(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    network = _built(plugin, cfg, INTERFACE, _identity)
    ws = network.mapping(network.sample_z(SmallDraw(N)), LABEL)
    yield _shape("mapping", ws, (N, network.num_ws, network.w_dim))
    images = network.synthesis(ws, noise_mode="const")
    yield _shape("synthesis", images[-1], (N, 3, R, R))
    grown = []
    for stage in _stages(plugin):
        grown.append(network.synthesis(ws, noise_mode="const", stage=stage)[-1])
        yield _shape(f"synthesis at {stage}", grown[-1], (N, 3, stage.resolution, stage.resolution))
    yield _parameter_gradients(network, (*images, *grown))
    if not torch.equal(network.synthesis(ws, noise_mode="const")[-1], images[-1]):
        raise PluginError('synthesis with noise_mode="const" should give the same images for the same ws')
    yield "synthesis: the same images for the same ws"
    yield check_scalars(network)


def _discriminator(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    network = _built(plugin, cfg, INTERFACE, _identity)
    images = (_images(R),)
    heads = network(images, LABEL)
    for head in heads:
        yield _shape("head", head, (N, *head.shape[1:]))
    grown = [head for stage in _stages(plugin) for head in _grown_heads(network, stage)]
    yield _parameter_gradients(network, (*heads, *grown))
    yield _shape("head for two parts", network(images, LABEL, parts=2)[0], heads[0].shape)
    yield check_scalars(network)


def _stages(plugin: type[Any]) -> list[Stage]:
    """Sizes in the middle of their fade-in, of a network that grows."""
    return [Stage(R // 2, 0.5), Stage(R, 0.5)] if "growth" in plugin.provides else []


def _grown_heads(network: Any, stage: Stage) -> Images:
    try:
        heads: Images = network((_images(stage.resolution),), LABEL, stage)
    except RuntimeError as error:
        size = stage.resolution
        raise PluginError(f'provides "growth", but cannot read images of {size}x{size} at {stage}: {error}') from error
    return heads


def _images(resolution: int) -> Tensor:
    return torch.randn(N, INTERFACE.channels, resolution, resolution)


def _loss(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    loss = _built(plugin, cfg)
    real, fake = torch.randn(2, N).requires_grad_().unbind()
    for name, value in (("d", loss.d(real, fake)), ("g", loss.g(fake, real if loss.needs_reals_for_g else None))):
        yield _shape(name, value, (N,))
        yield _gradients(value.sum(), {"logits of fakes": fake})


def _augmentation(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    images = (torch.randn(N, 3, R, R, requires_grad=True),)
    augment = _built(plugin, cfg, INTERFACE)
    [changed] = augment(images, SmallDraw(N), 0.0)
    yield _shape("images", changed, images[0].shape)
    yield _gradients(changed.sum(), {"images": images[0]})
    if not torch.equal(augment(images, SmallDraw(N), 0.0)[0], changed):
        raise PluginError("the same draw should give the same images")
    yield "images: the same for the same draw"
    yield check_scalars(augment)


def _regularizer(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    made: Regularizer = _built(plugin, cfg)
    yield f"acts on the {made.side}, interval {made.interval}"
    step = SmallStep(INTERFACE, SmallDraw(N), LABEL)
    network = step.G if made.side == "generator" else step.D
    penalty = made.penalty(step)
    if penalty is not None:
        yield _penalty(penalty, made.side, network)
    ws = step.fake.ws
    yield _shape("mix_ws", made.mix_ws(ws, ws.clone, SmallDraw(N)), ws.shape)
    made.constrain(network)
    yield check_scalars(made)


def _penalty(penalty: Any, side: str, network: nn.Module) -> str:
    if not isinstance(penalty, Tensor) or penalty.ndim > 1:
        shape = list(penalty.shape) if isinstance(penalty, Tensor) else type(penalty).__name__
        raise PluginError(f"penalty should have shape [{N}], a value for each sample, or [], not {shape}")
    words = _shape("penalty", penalty, penalty.shape)
    if not penalty.requires_grad:
        raise PluginError(f"penalty should have a gradient, for it is to change the {side}")
    gradients = torch.autograd.grad(penalty.sum(), list(network.parameters()), allow_unused=True)
    reached = [gradient for gradient in gradients if gradient is not None]
    if not reached or not all(gradient.isfinite().all() for gradient in reached):
        raise PluginError(f"penalty should give the {side} finite gradients")
    return f"{words}, gradients of the {side} too"


def _dataset(plugin: type[Any], cfg: PluginConfig) -> Iterator[str]:
    made = _built(plugin, cfg, Path.cwd())
    items = made.items()
    if [item.name for item in items] != [item.name for item in made.items()] or not items:
        raise PluginError("items() should give at least one item, in the same order every time")
    content = items[0].read()
    if isinstance(content, np.ndarray) and (content.dtype != np.uint8 or content.ndim not in (2, 3)):
        raise PluginError(f"read() should give uint8 [H, W] or [H, W, C], not {content.dtype} {content.shape}")
    yield f"{len(items)} items; the first can be read"


TRIALS: Mapping[str, Callable[[type[Any], Any], Iterator[str]]] = {
    "normalization": _normalization,
    "generator": _generator,
    "discriminator": _discriminator,
    "regularizer": _regularizer,
    "loss": _loss,
    "augmentation": _augmentation,
    "dataset": _dataset,
    "metric": try_metric,
    "feature": try_feature,
}


def _identity(site: Site) -> Normalization:
    return Normalization(None, site)


def _shape(what: str, values: Tensor, shape: tuple[int, ...]) -> str:
    if tuple(values.shape) != tuple(shape):
        raise PluginError(f"{what} should have shape {list(shape)}, not {list(values.shape)}")
    if not values.isfinite().all():
        raise PluginError(f"{what} should be finite")
    return f"{what}: {list(shape)}, finite"


def _parameter_gradients(network: nn.Module, outputs: Images) -> str:
    total = torch.stack([(output * torch.randn_like(output)).sum() for output in outputs]).sum()
    return _gradients(total, {name: p for name, p in network.named_parameters() if p.requires_grad})


def _gradients(value: Tensor, inputs: Mapping[str, Tensor]) -> str:
    if not value.requires_grad:
        raise PluginError(f"{next(iter(inputs))} should get a finite gradient")
    gradients = torch.autograd.grad(value, list(inputs.values()), retain_graph=True, allow_unused=True)
    for name, gradient in zip(inputs, gradients, strict=True):
        if gradient is None or not gradient.isfinite().all():
            raise PluginError(f"{name} should get a finite gradient")
    return f"gradients: finite for {', '.join(inputs) if len(inputs) == 1 else f'{len(inputs)} parameters'}"
