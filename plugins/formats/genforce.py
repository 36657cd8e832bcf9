"""Checkpoints of genforce: StyleGAN2, StyleGAN2-ADA, StyleGAN and PGGAN, from its model zoo or its training.

Source of the networks: arXiv:1912.04958, arXiv:1812.04948, arXiv:1710.10196. The kernels of StyleGAN2's upsampling
convolutions are stored the other way round, as are those of the fused ones of StyleGAN, and PGGAN's first kernel.
Biases of styles are stored without the 1 that is added to them. StyleGAN2 normalizes a label together with the latent.
"""

from itertools import pairwise
from typing import Any

from torch import Tensor

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    channels_of,
    snapshot_of,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.numbered import changed, dense_layers, discriminator_places, generator_places, placed
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import FUSED_FROM, dense, first, noise, stage_of
from gancore.interop.values import Array, entries

LEAVES = {
    "weight": "weight",
    "bias": "bias",
    "style.weight": "affine.weight",
    "style.bias": "affine.bias",
    "noise_strength": "noise_strength",
    "noise": "noise_const",
    "apply_noise.weight": "noise_strength",
    "apply_noise.noise": "noise_const",
}
V1: Options = {"gain": "weight", "resampling": "box"}
MARKS = ("synthesis.early_layer.const", "synthesis.layer0.const", "layer0.weight")
"""Tensors of the generators of StyleGAN2, StyleGAN and PGGAN."""


class GenForce(Format):
    """Plugin `genforce`: state dicts generator, generator_smooth and discriminator, at the top or under models."""

    title = "genforce"

    def recognises(self, head: Foreign) -> bool:
        inner = "models." if "models" in head.keys else ""
        if "model_kwargs_init" in head.keys or (not inner and not {"generator", "generator_smooth"} & head.keys):
            return False
        networks = [f"{inner}{name}." for name in ("generator_smooth", "generator")]
        return any(f"{network}{mark}" in head.arrays for network in networks for mark in MARKS)

    def read(self, file: Foreign) -> Snapshot:
        contents, inner = entries(file.contents), "models." if "models" in file.keys else ""
        names = f"{inner}generator_smooth", f"{inner}generator", f"{inner}discriminator"
        snapshot = snapshot_of(file.arrays, names, generator_of, discriminator_of)
        seen = entries(contents.get("running_metadata")).get("seen_img")
        if isinstance(seen, int):
            snapshot.facts["kimg"] = seen / 1000
        return snapshot


def generator_of(names: Names) -> Network:
    """A generator of any kind. Raises CheckpointError."""
    if MARKS[0] in names:
        return _stylegan2(names)
    return _stylegan(names) if MARKS[1] in names else _pggan(names)


def discriminator_of(names: Names, generator: Network) -> Network:
    """The discriminator that goes with a generator. Raises CheckpointError."""
    mapped: Mapped = {}
    for leaf in ("weight", "bias"):
        if f"LabelEmbed.{leaf}" in names:
            mapped[f"mapping.embed.{leaf}"] = names.take(f"LabelEmbed.{leaf}")
    if mapped:
        mapped |= dense_layers(names, "dense", "mapping.fc") | dense_layers(names, "mapping.dense", "mapping.fc")
    mapped |= placed(names, discriminator_places(names), LEAVES)
    if generator.options["use"] in ("progressive", "stack"):
        blurred = any(name.endswith("blur.kernel") for name in names)
        lod = _lod(names, "lod")
        names.ignore("lod", "kernel")
        names.done()
        pggan = generator.options["use"] == "stack"
        label_dim = generator.interface.label_dim
        options: Options = {**V1, "resample_filter": [1.0, 2.0, 1.0] if blurred else None, "label_dim": label_dim}
        if label_dim:
            options["labels"] = "auxiliary" if pggan else "output"
        made = style_discriminator(
            mapped,
            "progressive",
            halving="average" if pggan else "convolution",
            mbstd={"group_size": 16 if pggan else 4},
            **options,
        )
        made.stage = stage_of(lod, made.interface.resolution)
        return made
    return style_discriminator(mapped, **_filter(names))


def _stylegan2(names: Names) -> Network:
    mapped, mapping = _mapping(names)
    mapped["synthesis.b4.const"] = names.take("synthesis.early_layer.const", first)
    mapped |= placed(names, generator_places(names, "synthesis.", 1), LEAVES, "synthesis.", "synthesis.")
    changed(mapped, "noise_const", noise)
    changed(mapped, "conv0.weight", turned)
    return style_generator(mapped, mapping=mapping, style_bias="around_start", **_filter(names))


def _stylegan(names: Names) -> Network:
    mapped, mapping = _mapping(names)
    places = generator_places(names, "synthesis.")
    places["layer0"] = "b4.const_layer"
    mapped["synthesis.b4.const"] = names.take("synthesis.layer0.const", first)
    mapped |= placed(names, places, LEAVES, "synthesis.", "synthesis.")
    changed(mapped, "noise_const", noise)
    for place in places.values():
        if place.endswith("conv0") and int(place.partition(".")[0][1:]) >= FUSED_FROM:
            changed(mapped, f"{place}.weight", turned)
    blurred = any(name.endswith("blur.kernel") for name in names)
    lod = _lod(names, "synthesis.lod")
    names.ignore("lod", "kernel")
    names.done()
    made = style_generator(
        mapped,
        "progressive",
        normalization="adain",
        mapping=mapping,
        const="ones",
        const_layer=True,
        style_bias="around_start",
        torgb_modulated=False,
        resample_filter=[1.0, 2.0, 1.0] if blurred else None,
        **V1,
    )
    made.stage = stage_of(lod, made.interface.resolution)
    return made


def _pggan(names: Names) -> Network:
    mapped = placed(names, generator_places(names), LEAVES, "", "synthesis.")
    changed(mapped, "b4.conv0.weight", turned)
    lod = _lod(names, "lod")
    names.ignore("lod")
    names.done()
    sizes = [4 << i for i in range(sum(name.endswith("torgb.weight") for name in mapped))]
    widths = [mapped[f"synthesis.b{size}.conv1.weight"].shape[0] for size in sizes]
    for before, size in pairwise(sizes):
        weight, wanted = (
            mapped[f"synthesis.b{size}.conv0.weight"],
            (widths[sizes.index(size)], widths[sizes.index(before)]),
        )
        if weight.shape[:2] != wanted:
            if weight.shape[:2] != wanted[::-1]:
                raise CheckpointError(f"has a convolution {list(weight.shape)} at {size}x{size} that does not fit")
            mapped[f"synthesis.b{size}.conv0.weight"] = weight.then(lambda x: x.transpose(0, 1).flip(2, 3))
    options: Options = {
        "use": "stack",
        "normalization": "pixel",
        "z_dim": mapped["synthesis.b4.conv0.weight"].shape[1],
        "channels": channels_of(widths),
        **V1,
        "resample_filter": None,
    }
    channels = mapped["synthesis.b4.torgb.weight"].shape[0]
    return Network(options, mapped, Interface(sizes[-1], channels), stage_of(lod, sizes[-1]))


def _mapping(names: Names) -> tuple[Mapped, Options]:
    mapped, options = dense_layers(names), dict[str, Any]()
    mapped["mapping.w_avg"] = names.take("truncation.w_avg")
    if "mapping.label_weight" in names:
        mapped["mapping.embed.weight"] = names.take("mapping.label_weight", dense)
        options["labels"] = "together"
    for leaf in ("weight", "bias"):
        if f"mapping.LabelEmbed.{leaf}" in names:
            mapped[f"mapping.embed.{leaf}"] = names.take(f"mapping.LabelEmbed.{leaf}")
    return mapped, options


def _filter(names: Names) -> Options:
    kernel = next((names.array(name) for name in names if name.endswith("kernel")), None)
    names.ignore("kernel")
    names.done()
    return {} if kernel is None else {"resample_filter": taps_of(kernel.tensor().reshape(kernel.shape[-2:]))}


def _lod(names: Names, name: str) -> float:
    value = names.arrays.get(name, 0.0)
    return float(value.tensor()) if isinstance(value, Array) else float(value)


def turned(x: Tensor) -> Tensor:
    """Flips a kernel that is stored rotated by 180 degrees."""
    return x.flip(2, 3)
