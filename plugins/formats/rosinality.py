"""Checkpoints of rosinality/stylegan2-pytorch: those that `convert_weight.py` writes and those of its training.

Source of the networks: arXiv:1912.04958, the generator with output skips and the residual discriminator. Weights are
stored as ours are; only names and leading dimensions of 1 differ. A training checkpoint has no average w.
"""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Discriminator, Format
from gancore.errors import CheckpointError
from gancore.interop.exporting import Model, check_held, held_discriminator, whole_style_biases
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Snapshot,
    Taken,
    snapshot_of,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.values import Array, entries

FREE = {"z_dim", "w_dim", "channels.base", "channels.max", "resample_filter", "style_bias"}
FREE |= {"mapping.layers", "mapping.lr_multiplier", "mapping.w_avg_decay"}
"""Options of the generator that the project has as well."""

FREE_IN_D = {"channels.base", "channels.max", "resample_filter", "mapping.layers", "mapping.lr_multiplier"}


class Rosinality(Format):
    """Plugin `rosinality`: state dicts g_ema, g, d; g_ema, d, latent_avg are written, as by `convert_weight`."""

    writes = "rosinality.pt"
    title = "rosinality/stylegan2-pytorch"
    classes = ("argparse.Namespace",)

    def recognises(self, head: Foreign) -> bool:
        return "g_ema" in head.keys and "g_ema.input.input" in head.arrays

    def read(self, file: Foreign) -> Snapshot:
        average = entries(file.contents).get("latent_avg")
        w_avg = average if isinstance(average, Array) else None
        make = partial(generator_of, w_avg=w_avg)
        snapshot = snapshot_of(file.arrays, ("g_ema", "g", "d"), make, discriminator_of)
        snapshot.estimate_w_avg = w_avg is None
        if isinstance(strength := entries(file.contents).get("ada_aug_p"), float | int):
            snapshot.facts["augment_p"] = float(strength)
        return snapshot

    def write(self, model: Model, out: Path) -> None:
        check_held(model, {"skip"}, FREE)
        if model.generator.interface.label_dim or model.generator.z_dim != model.generator.w_dim:
            raise CheckpointError(f"{model.path}: the project has no labels, and its z and w are of one size")
        found: dict[str, Any] = {"g_ema": state_of(model)}
        discriminator = held_discriminator(
            model, {"residual"}, FREE_IN_D, **{"mbstd.group_size": {4}, "mbstd.channels": {1}}
        )
        if discriminator is not None:
            found["d"] = state_of_discriminator(model, discriminator)
        torch.save(found | {"latent_avg": model.generator.state_dict()["mapping.w_avg"]}, out)


def generator_of(names: Names, w_avg: Array | None) -> Network:
    """A generator with output skips. Raises CheckpointError."""
    layers = sum(name.startswith("style.") and name.endswith(".weight") for name in names)
    blocks = sum(name.startswith("to_rgbs.") and name.endswith(".conv.weight") for name in names)
    mapped: Mapped = {} if w_avg is None else {"mapping.w_avg": Taken((w_avg,))}
    for ours, (theirs, ones) in generator_names(layers, blocks).items():
        mapped[ours] = names.take(theirs, partial(without, ones=ones))
    taps = taps_of(names.array("convs.0.conv.blur.kernel").tensor())
    names.ignore(".kernel")
    names.done()
    return style_generator(mapped, "skip", resample_filter=taps)


Name = tuple[str, tuple[int, ...]]
"""A name of theirs, and the dimensions of size 1 that their tensor has and ours lacks."""


def generator_names(layers: int, blocks: int) -> dict[str, Name]:
    """Our names of a generator, but for w_avg, to theirs; `blocks` counts those after 4x4."""
    found: dict[str, Name] = {"synthesis.b4.const": ("input.input", (0,))}
    for i in range(layers):
        for leaf in ("weight", "bias"):
            found[f"mapping.fc{i}.{leaf}"] = f"style.{i + 1}.{leaf}", ()
    for i in range(2 * blocks + 1):
        theirs = f"convs.{i - 1}" if i else "conv1"
        ours = f"synthesis.b{4 << (i + 1) // 2}.conv{(i + 1) % 2}"
        found |= _styled(theirs, ours) | {
            f"{ours}.bias": (f"{theirs}.activate.bias", ()),
            f"{ours}.noise_strength": (f"{theirs}.noise.weight", (0,)),
            f"{ours}.noise_const": (f"noises.noise_{i}", (0, 1)),
        }
    for i in range(blocks + 1):
        theirs, ours = f"to_rgbs.{i - 1}" if i else "to_rgb1", f"synthesis.b{4 << i}.torgb"
        found |= _styled(theirs, ours) | {f"{ours}.bias": (f"{theirs}.bias", (0, 2, 3))}
    return found


def _styled(theirs: str, ours: str) -> dict[str, Name]:
    return {
        f"{ours}.weight": (f"{theirs}.conv.weight", (0,)),
        f"{ours}.affine.weight": (f"{theirs}.conv.modulation.weight", ()),
        f"{ours}.affine.bias": (f"{theirs}.conv.modulation.bias", ()),
    }


def without(x: Tensor, ones: tuple[int, ...]) -> Tensor:
    """Squeezes these dimensions. Raises CheckpointError unless their size is 1."""
    if any(place >= x.ndim or x.shape[place] != 1 for place in ones):
        raise CheckpointError(f"has a tensor {list(x.shape)} where dimensions {list(ones)} should be 1")
    return x.squeeze(ones) if ones else x


def state_of(model: Model) -> dict[str, Tensor]:
    """The state dict of the project's Generator, with its filters."""
    ours = whole_style_biases(model)
    layers, blocks = model.options()["mapping"]["layers"], model.generator.resolution.bit_length() - 3
    state: dict[str, Tensor] = {}
    for name, (theirs, ones) in generator_names(layers, blocks).items():
        value = ours.pop(name)
        for place in ones:
            value = value.unsqueeze(place)
        state[theirs] = value.contiguous()
    row = torch.tensor(model.options()["resample_filter"])
    kernel = row.outer(row) / row.outer(row).sum() * 4  # upsampling spreads a pixel over four
    for i in range(blocks):
        state[f"convs.{2 * i}.conv.blur.kernel"] = state[f"to_rgbs.{i}.upsample.kernel"] = kernel
    return state


def discriminator_of(names: Names, generator: Network) -> Network:
    """A residual discriminator. Raises CheckpointError."""
    blocks = sum(name.startswith("convs.") and name.endswith(".conv1.0.weight") for name in names)
    mapped: Mapped = {ours: names.take(theirs) for ours, theirs in discriminator_names(blocks).items()}
    taps = taps_of(names.array("convs.1.conv2.0.kernel").tensor())
    names.ignore(".kernel")
    names.done()
    return style_discriminator(mapped, "residual", resample_filter=taps)


def discriminator_names(blocks: int) -> dict[str, str]:
    """Our names of a discriminator to theirs; `blocks` counts those before 4x4."""
    top = 4 << blocks
    found = {f"b{top}.fromrgb.weight": "convs.0.0.weight", f"b{top}.fromrgb.bias": "convs.0.1.bias"}
    for k in range(blocks):
        theirs, ours = f"convs.{k + 1}", f"b{top >> k}"
        found |= {f"{ours}.conv0.weight": f"{theirs}.conv1.0.weight", f"{ours}.conv0.bias": f"{theirs}.conv1.1.bias"}
        found |= {f"{ours}.conv1.weight": f"{theirs}.conv2.1.weight", f"{ours}.conv1.bias": f"{theirs}.conv2.2.bias"}
        found[f"{ours}.skip.weight"] = f"{theirs}.skip.1.weight"
    found |= {"b4.conv.weight": "final_conv.0.weight", "b4.conv.bias": "final_conv.1.bias"}
    for i, ours in enumerate(("fc", "out")):
        found |= {f"b4.{ours}.{leaf}": f"final_linear.{i}.{leaf}" for leaf in ("weight", "bias")}
    return found


def state_of_discriminator(model: Model, network: Discriminator) -> dict[str, Tensor]:
    """The state dict of the project's Discriminator, with its filters."""
    ours, blocks = network.state_dict(), model.generator.resolution.bit_length() - 3
    state = {theirs: ours[name].contiguous() for name, theirs in discriminator_names(blocks).items()}
    row = torch.tensor(model.options("discriminator")["resample_filter"])
    kernel = row.outer(row) / row.outer(row).sum()
    for k in range(1, blocks + 1):
        state[f"convs.{k}.conv2.0.kernel"] = state[f"convs.{k}.skip.0.kernel"] = kernel
    return state
