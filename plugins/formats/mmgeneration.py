"""StyleGAN2, StyleGAN and PGGAN checkpoints of mmgeneration.

Source of the networks: arXiv:1912.04958, arXiv:1812.04948, arXiv:1710.10196. Weights of StyleGAN2 are stored as ours
are; the average w is not in the file: it is estimated from random latents. The upsampling layers of its StyleGAN
activate twice, with the blur between. PGGAN's upsampling kernels are those of a transposed convolution, with another
gain, and its pixel norm adds eps to the root. The channels of released models are blue, green, red; no file says so.
"""

import math

import torch
from torch import Tensor

from gancore.contracts import Format, Interface, Stage
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    Taken,
    below,
    channels_of,
    snapshot_of,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import first, noise
from gancore.interop.values import entries

STATE = "state_dict."
PGGAN = "noise2feat.linear.weight_orig"
"""A tensor of PGGAN's generator."""
STYLEGAN = "convs.0.conv1.input"
"""One of StyleGAN's."""


class MMGeneration(Format):
    """Plugin `mmgeneration`: state dicts generator, generator_ema and discriminator in one."""

    title = "mmgeneration"

    def recognises(self, head: Foreign) -> bool:
        marks = ("style_mapping.1.linear.weight_orig", "noise2feat.linear.weight_orig")
        names = {f"{STATE}{network}.{mark}" for network in ("generator", "generator_ema") for mark in marks}
        return {"meta", "state_dict"} <= head.keys and not names.isdisjoint(head.arrays)

    def read(self, file: Foreign) -> Snapshot:
        names = f"{STATE}generator_ema", f"{STATE}generator", f"{STATE}discriminator"
        if any(f"{name}.{PGGAN}" in file.arrays for name in names):
            return _grown(file, snapshot_of(file.arrays, names, pggan_of, pggan_discriminator_of))
        if any(f"{name}.{STYLEGAN}" in file.arrays for name in names):
            snapshot = snapshot_of(file.arrays, names, stylegan_of, None)
            snapshot.estimate_w_avg = True
            if below(file.arrays, f"{names[2]}."):
                why = "its fromRGB is 3x3 and its dense layer has no activation"
                snapshot.left.append(f"discriminator: {why}, which gancore's networks do not support")
            return _grown(file, snapshot)
        snapshot = snapshot_of(file.arrays, names, generator_of, discriminator_of)
        snapshot.estimate_w_avg = True
        iteration = entries(entries(file.contents).get("meta")).get("iter")
        if isinstance(iteration, int):
            snapshot.facts["iterations"] = float(iteration)
        return snapshot


def _grown(file: Foreign, snapshot: Snapshot) -> Snapshot:
    """With how far the networks have grown."""
    scale, weight = (file.arrays.get(f"{STATE}_curr_{name}") for name in ("scale_int", "transition_weight"))
    if scale is not None and weight is not None:
        resolution, alpha = int(scale.tensor()), float(weight.tensor())
        if resolution < snapshot.average.interface.resolution or alpha < 1:
            for network in (snapshot.average, snapshot.generator, snapshot.discriminator):
                if network is not None:
                    network.stage = Stage(resolution, alpha)
    return snapshot


def pggan_of(names: Names) -> Network:
    """A generator without styles. Raises CheckpointError."""
    levels = sum(name.startswith("torgb_layers.") and name.endswith(".weight_orig") for name in names)
    mapped: Mapped = {"synthesis.b4.conv0.weight": names.take(PGGAN, dense_to_maps)}
    mapped["synthesis.b4.conv0.bias"] = names.take("noise2feat.bias", flat)
    for k in range(levels):
        layers = [
            (f"conv_blocks.{2 * k}", f"synthesis.b{4 << k}.conv1"),
            (f"torgb_layers.{k}", f"synthesis.b{4 << k}.torgb"),
        ]
        layers += [(f"conv_blocks.{2 * k - 1}", f"synthesis.b{4 << k}.conv0")] if k else []
        for theirs, ours in layers:
            change = from_transposed if ours.endswith("conv0") else None
            mapped[f"{ours}.weight"] = names.take(f"{theirs}.conv.weight_orig", change)
            mapped[f"{ours}.bias"] = names.take(f"{theirs}.conv.bias")
    names.done()
    options: Options = {
        "use": "stack",
        "normalization": {"use": "pixel", "eps": 1e-5, "eps_under_root": False},
        "z_dim": mapped["synthesis.b4.conv0.weight"].shape[1],
        "channels": channels_of([mapped[f"synthesis.b{4 << k}.conv1.weight"].shape[0] for k in range(levels)]),
        "gain": "weight",
        "resampling": "box",
        "resample_filter": None,
    }
    return Network(options, mapped, Interface(2 << levels, mapped["synthesis.b4.torgb.weight"].shape[0]))


def pggan_discriminator_of(names: Names, generator: Network) -> Network:
    """Its discriminator, which does not use its convolution at 4x4. Raises CheckpointError."""
    levels = sum(name.startswith("fromrgb_layers.") and name.endswith(".weight_orig") for name in names)
    layers = [(f"fromrgb_layers.{k}.conv", f"b{4 << k}.fromrgb") for k in range(levels)]
    layers += [(f"conv_blocks.{2 * k + i - 1}.conv", f"b{4 << k}.conv{i}") for k in range(1, levels) for i in (0, 1)]
    layers += [("decision.linear0", "b4.fc"), ("decision.linear1", "b4.out")]
    mapped: Mapped = {}
    for theirs, ours in layers:
        mapped[f"{ours}.weight"] = names.take(f"{theirs}.weight_orig")
        mapped[f"{ours}.bias"] = names.take(f"{theirs}.bias")
    names.ignore("conv_blocks.0.conv.weight_orig", "conv_blocks.0.conv.bias")
    names.done()
    return style_discriminator(mapped, "progressive", gain="weight", resampling="box", resample_filter=None)


def stylegan_of(names: Names) -> Network:
    """The project's StyleGAN, whose mapping has no gain of sqrt(2). Raises CheckpointError."""
    mapped: Mapped = {}
    for i in range(sum(name.startswith("style_mapping.") and name.endswith(".bias") for name in names)):
        mapped[f"mapping.fc{i}.weight"] = names.take(f"style_mapping.{i + 1}.linear.weight_orig", without_gain)
        mapped[f"mapping.fc{i}.bias"] = names.take(f"style_mapping.{i + 1}.bias")
    mapped["synthesis.b4.const"] = names.take(STYLEGAN, first)
    levels = sum(name.startswith("to_rgbs.") and name.endswith(".bias") for name in names)
    layers = [("convs.0.conv2.conv", "b4.conv1")]
    for k in range(1, levels):
        layers += [(f"convs.{k}.conv1.0.conv", f"b{4 << k}.conv0"), (f"convs.{k}.conv2.conv", f"b{4 << k}.conv1")]
    for theirs, ours in layers:
        mapped[f"synthesis.{ours}.weight"] = names.take(f"{theirs}.weight_orig")
        mapped[f"synthesis.{ours}.bias"] = names.take(f"{theirs}.bias")
    channels = mapped["synthesis.b4.const"].shape[0]
    mapped["synthesis.b4.const_layer.bias"] = Taken((), lambda: torch.zeros(channels))
    for place, ours in enumerate(["b4.const_layer", *(ours for _, ours in layers)]):
        at, number = f"convs.{place // 2}", place % 2 + 1
        mapped[f"synthesis.{ours}.affine.weight"] = names.take(f"{at}.adain{number}.affine.weight_orig", with_gain)
        mapped[f"synthesis.{ours}.affine.bias"] = names.take(f"{at}.adain{number}.affine.bias")
        mapped[f"synthesis.{ours}.noise_strength"] = names.take(f"{at}.noise_injector{number}.weight", first)
        mapped[f"synthesis.{ours}.noise_const"] = names.take(f"injected_noise_{place}", noise)
    for k in range(levels):
        mapped[f"synthesis.b{4 << k}.torgb.weight"] = names.take(f"to_rgbs.{k}.conv.weight_orig", with_gain)
        mapped[f"synthesis.b{4 << k}.torgb.bias"] = names.take(f"to_rgbs.{k}.conv.bias")
    taps = taps_of(names.array("convs.1.conv1.1.kernel").tensor())
    names.ignore("kernel")
    names.done()
    return style_generator(
        mapped,
        "progressive",
        normalization={"use": "adain", "eps": 1e-5},
        const="ones",
        const_layer=True,
        activations="twice",
        torgb_modulated=False,
        gain="weight",
        resampling="box",
        resample_filter=taps,
    )


def with_gain(x: Tensor) -> Tensor:
    """A weight whose gain is sqrt(2) there, and 1 in ours."""
    return x * math.sqrt(2)


def without_gain(x: Tensor) -> Tensor:
    """A weight whose gain is 1 there, and sqrt(2) in ours."""
    return x / math.sqrt(2)


def dense_to_maps(x: Tensor) -> Tensor:
    """[out * 16, in] to [out, in, 4, 4]."""
    return x.unflatten(0, (-1, 4, 4)).permute(0, 3, 1, 2)


def from_transposed(x: Tensor) -> Tensor:
    """A transposed kernel [in, out, 3, 3] with the gain of its outputs, to [out, in, 3, 3]."""
    return x.transpose(0, 1).flip(2, 3) * math.sqrt(x.shape[0] / x.shape[1])


def generator_of(names: Names) -> Network:
    """A generator with output skips. Raises CheckpointError."""
    mapped: Mapped = {}
    for i in range(sum(name.startswith("style_mapping.") and name.endswith(".bias") for name in names)):
        mapped[f"mapping.fc{i}.weight"] = names.take(f"style_mapping.{i + 1}.linear.weight_orig")
        mapped[f"mapping.fc{i}.bias"] = names.take(f"style_mapping.{i + 1}.bias")
    mapped["synthesis.b4.const"] = names.take("constant_input.input", first)
    _layer(names, mapped, "conv1", "synthesis.b4.conv1", 0)
    _torgb(names, mapped, "to_rgb1", "synthesis.b4.torgb")
    for k in range(sum(name.startswith("to_rgbs.") and name.endswith(".upsample.kernel") for name in names)):
        block = f"synthesis.b{8 << k}"
        _layer(names, mapped, f"convs.{2 * k}", f"{block}.conv0", 2 * k + 1)
        _layer(names, mapped, f"convs.{2 * k + 1}", f"{block}.conv1", 2 * k + 2)
        _torgb(names, mapped, f"to_rgbs.{k}", f"{block}.torgb")
    taps = taps_of(names.array("convs.0.conv.blur.kernel").tensor())
    names.ignore("kernel")
    names.done()
    return style_generator(mapped, "skip", resample_filter=taps)


def discriminator_of(names: Names, generator: Network) -> Network:
    """A residual discriminator. Raises CheckpointError."""
    blocks = sum(name.startswith("convs.") and name.endswith(".conv1.0.conv.weight_orig") for name in names)
    top, mapped = 4 << blocks, Mapped()
    mapped[f"b{top}.fromrgb.weight"] = names.take("convs.0.0.conv.weight_orig")
    mapped[f"b{top}.fromrgb.bias"] = names.take("convs.0.1.bias")
    for k in range(blocks):
        at, block = f"convs.{k + 1}", f"b{top >> k}"
        mapped[f"{block}.conv0.weight"] = names.take(f"{at}.conv1.0.conv.weight_orig")
        mapped[f"{block}.conv0.bias"] = names.take(f"{at}.conv1.1.bias")
        mapped[f"{block}.conv1.weight"] = names.take(f"{at}.conv2.1.conv.weight_orig")
        mapped[f"{block}.conv1.bias"] = names.take(f"{at}.conv2.2.bias")
        mapped[f"{block}.skip.weight"] = names.take(f"{at}.skip.1.conv.weight_orig")
    mapped["b4.conv.weight"] = names.take("final_conv.0.conv.weight_orig")
    mapped["b4.conv.bias"] = names.take("final_conv.1.bias")
    for i, ours in enumerate(("fc", "out")):
        mapped[f"b4.{ours}.weight"] = names.take(f"final_linear.{i}.linear.weight_orig")
        mapped[f"b4.{ours}.bias"] = names.take(f"final_linear.{i}.bias")
    taps = taps_of(names.array("convs.1.conv2.0.kernel").tensor())
    names.ignore("kernel")
    names.done()
    return style_discriminator(mapped, "residual", resample_filter=taps)


def _layer(names: Names, mapped: Mapped, theirs: str, ours: str, place: int) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.conv.weight_orig", first)
    mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}.conv.style_modulation.linear.weight_orig")
    mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}.conv.style_modulation.bias")
    mapped[f"{ours}.bias"] = names.take(f"{theirs}.activate.bias")
    mapped[f"{ours}.noise_strength"] = names.take(f"{theirs}.noise_injector.weight", first)
    mapped[f"{ours}.noise_const"] = names.take(f"injected_noise_{place}", noise)


def _torgb(names: Names, mapped: Mapped, theirs: str, ours: str) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.conv.weight_orig", first)
    mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}.conv.style_modulation.linear.weight_orig")
    mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}.conv.style_modulation.bias")
    mapped[f"{ours}.bias"] = names.take(f"{theirs}.bias", flat)


def flat(x: Tensor) -> Tensor:
    return x.flatten()
