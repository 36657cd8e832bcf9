"""State dicts of huangzh13/StyleGAN.pytorch, one network a file; the others are looked for beside it.

Source of the networks: arXiv:1812.04948. Noise is not stored: that of the model is drawn once, from a fixed seed. From
128 pixels on upsampling and convolution are fused, and the kernel is stored the other way round.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from gancore.contracts import Format
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    Taken,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import FUSED_FROM, dense, first

V1: Options = {"gain": "weight", "resampling": "box"}
CONST, LAST = "g_synthesis.init_block.const", "final_block.dense1.weight"


class Huangzh13(Format):
    """Plugin `huangzh13`: the files GAN_GEN_SHADOW, GAN_GEN and GAN_DIS of one snapshot."""

    title = "huangzh13/StyleGAN.pytorch"

    def recognises(self, head: Foreign) -> bool:
        return CONST in head.arrays or (LAST in head.arrays and "from_rgb.0.weight" in head.arrays)

    def companions(self, file: Foreign) -> Mapping[str, Sequence[str]]:
        names = ["_GEN_SHADOW_", "_GEN_", "_DIS_"]
        return {name: [other for other in names if other != name] for name in names}

    def read(self, file: Foreign) -> Snapshot:
        files = file.with_companions
        average = next((f for f in files if CONST in f.arrays and "SHADOW" in f.path.name), None)
        plain = next((f for f in files if CONST in f.arrays and f is not average), None)
        discriminator = next((f for f in files if LAST in f.arrays), None)
        chosen = average or plain
        if chosen is None:
            raise CheckpointError("is a discriminator, and its generator is not in the same folder")
        snapshot = Snapshot(generator_of(Names(chosen.arrays, "the generator")))
        if average is not None and plain is not None:
            snapshot.generator = generator_of(Names(plain.arrays, "the generator"))
        if discriminator is not None and "embeddings.0.weight" in discriminator.arrays:
            snapshot.left.append("discriminator: labels are images beside the image in it, which ours does not have")
        elif discriminator is not None:
            snapshot.discriminator = discriminator_of(Names(discriminator.arrays, "the discriminator"))
        snapshot.left.append("noise: it is not stored in such files; that of the model was drawn anew")
        return snapshot


def generator_of(names: Names) -> Network:
    """A generator. Raises CheckpointError."""
    mapped: Mapped = {"mapping.w_avg": names.take("truncation.avg_latent")}
    mapping: Options = {}
    if "class_embedding.weight" in names:
        mapped["mapping.embed.weight"] = names.take("class_embedding.weight", dense)
        mapping["labels"] = "together"
    for i in range(sum(name.startswith("g_mapping.map.dense") and name.endswith(".weight") for name in names)):
        for leaf in ("weight", "bias"):
            mapped[f"mapping.fc{i}.{leaf}"] = names.take(f"g_mapping.map.dense{i}.{leaf}")
    mapped["synthesis.b4.const"] = names.take(CONST, first)
    mapped["synthesis.b4.const_layer.bias"] = names.take("g_synthesis.init_block.bias")
    _layer(names, mapped, "g_synthesis.init_block.epi1", "synthesis.b4.const_layer", 4)
    _convolution(names, mapped, "g_synthesis.init_block.conv", "synthesis.b4.conv1")
    _layer(names, mapped, "g_synthesis.init_block.epi2", "synthesis.b4.conv1", 4)
    blocks = sum(name.startswith("g_synthesis.blocks.") and name.endswith(".conv1.weight") for name in names)
    for k in range(blocks):
        theirs, size = f"g_synthesis.blocks.{k}", 8 << k
        _convolution(names, mapped, f"{theirs}.conv0_up", f"synthesis.b{size}.conv0", size >= FUSED_FROM)
        _layer(names, mapped, f"{theirs}.epi1", f"synthesis.b{size}.conv0", size)
        _convolution(names, mapped, f"{theirs}.conv1", f"synthesis.b{size}.conv1")
        _layer(names, mapped, f"{theirs}.epi2", f"synthesis.b{size}.conv1", size)
    for k in range(blocks + 1):
        _convolution(names, mapped, f"g_synthesis.to_rgb.{k}", f"synthesis.b{4 << k}.torgb")
    return style_generator(
        mapped,
        "progressive",
        normalization={"use": "adain", "eps": 1e-5},
        mapping=mapping,
        const="ones",
        const_layer=True,
        style_bias="around_start",
        torgb_modulated=False,
        **_blur(names),
    )


def discriminator_of(names: Names) -> Network:
    """A discriminator without labels; blocks count from the finest on. Raises CheckpointError.

    There is no activation behind the layers that take images in.
    """
    blocks = sum(name.startswith("blocks.") and name.endswith(".conv0.weight") for name in names)
    top, mapped = 4 << blocks, Mapped()
    for k in range(blocks):
        _convolution(names, mapped, f"blocks.{k}.conv0", f"b{top >> k}.conv0")
        _convolution(names, mapped, f"blocks.{k}.conv1_down", f"b{top >> k}.conv1")
    for k in range(blocks + 1):
        _convolution(names, mapped, f"from_rgb.{k}", f"b{top >> k}.fromrgb")
    for theirs, ours in (("conv", "conv"), ("dense0", "fc"), ("dense1", "out")):
        _convolution(names, mapped, f"final_block.{theirs}", f"b4.{ours}")
    options = _blur(names, ".downscale.blur.kernel")
    options["fromrgb_activation"] = "linear"
    return style_discriminator(mapped, "progressive", **options)


def _layer(names: Names, mapped: Mapped, theirs: str, ours: str, size: int) -> None:
    mapped[f"{ours}.noise_strength"] = names.take(f"{theirs}.top_epi.noise.weight")
    mapped[f"{ours}.noise_const"] = Taken((), partial(fresh_noise, size))
    mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}.style_mod.lin.weight")
    mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}.style_mod.lin.bias")


def _convolution(names: Names, mapped: Mapped, theirs: str, ours: str, turned: bool = False) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.weight", (lambda x: x.flip(2, 3)) if turned else None)
    mapped[f"{ours}.bias"] = names.take(f"{theirs}.bias")


def _blur(names: Names, *other: str) -> Options:
    """The blur of the layers, which is stored where there is one; `other` kernels are boxes."""
    kernels = [name for name in names if name.endswith("kernel") and not (other and name.endswith(other))]
    taps = taps_of(names.array(kernels[0]).tensor()[0, 0]) if kernels else None
    names.ignore("kernel")
    names.done()
    return {**V1, "resample_filter": taps}


def fresh_noise(size: int) -> Tensor:
    """[size, size], the same for every model."""
    return torch.randn(size, size, generator=torch.Generator().manual_seed(size))
