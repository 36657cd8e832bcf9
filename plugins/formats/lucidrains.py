"""Checkpoints of lucidrains/stylegan2-pytorch, model_N.pt: both networks and their averages in one state dict.

Source of the networks: arXiv:1912.04958 and the project's code, version 1.9. Weights are used as stored; only the
mapping has a multiplier, which is in .config.json beside the checkpoints. Latents enter with length 1, images are on
[0, 1]. Noise is not stored: that of the model is drawn once, from a fixed seed.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from torch import Tensor

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import Mapped, Names, Network, Options, Snapshot, Taken, below, channels_of
from gancore.interop.reading import Foreign, read_settings
from gancore.interop.values import Array

Change = Callable[[Tensor], Tensor]

CONFIG, LR_MULTIPLIER = ".config.json", 0.1
"""The file beside a checkpoint, and what holds without it: the project's default."""


class Settings(BaseModel):
    """What is used of .config.json."""

    model_config = ConfigDict(strict=True)
    lr_mlp: float = Field(LR_MULTIPLIER, gt=0, le=1e6)


class Lucidrains(Format):
    """Plugin `lucidrains`: generator, averaged generator and discriminator."""

    title = "lucidrains/stylegan2-pytorch"

    def recognises(self, head: Foreign) -> bool:
        return {"GAN", "version"} <= head.keys and "GAN.SE.net.0.weight" in head.arrays

    def read(self, file: Foreign) -> Snapshot:
        arrays, (rate, note) = below(file.arrays, "GAN."), lr_multiplier(file.path)
        snapshot = Snapshot(generator_of(arrays, "SE.", "GE.", rate), estimate_w_avg=True)
        snapshot.generator = generator_of(arrays, "S.", "G.", rate)
        snapshot.discriminator = discriminator_of(Names(below(arrays, "D."), "the discriminator"))
        snapshot.left += ["noise: it is not stored in such files; that of the model was drawn anew", *note]
        return snapshot


def lr_multiplier(path: Path) -> tuple[float, list[str]]:
    """That of the mapping network, and a note if it is assumed. Raises CheckpointError for a damaged file."""
    for name in (CONFIG, path.name.partition("model_")[0] + CONFIG.removeprefix(".")):
        if (found := read_settings(path.with_name(name), TypeAdapter(Settings))) is not None:
            return found.lr_mlp, []
    return LR_MULTIPLIER, [f"{CONFIG}: not beside the file; lr_mlp is taken to be {LR_MULTIPLIER}, the default"]


def generator_of(arrays: Mapping[str, Array], mapping: str, synthesis: str, lr: float) -> Network:
    """A generator from the tensors below two prefixes. Raises CheckpointError."""
    mapped = mapping_of(Names(below(arrays, mapping), "the mapping"))
    names = Names(below(arrays, synthesis), "the generator")
    from_latent = "to_initial_block.weight" in names
    if from_latent:
        mapped["synthesis.dense.weight"] = names.take("to_initial_block.weight", dense)
    else:
        mapped["synthesis.const"] = names.take("initial_block", first)
    _layer(names, mapped, "initial_conv", "synthesis.conv")
    sizes = [4 << i for i in range(sum(name.endswith(".to_rgb.conv.weight") for name in names))]
    if len(sizes) < 2:
        raise CheckpointError(f"has {len(sizes)} blocks in the generator, where two or more are expected")
    attention = []
    for k, size in enumerate(sizes):
        theirs, ours = f"blocks.{k}", f"synthesis.b{size}"
        for i in (0, 1):
            _styled(names, mapped, f"{theirs}.conv{i + 1}", f"{theirs}.to_style{i + 1}", f"{ours}.conv{i}")
            mapped[f"{ours}.conv{i}.noise_strength"] = names.take(f"{theirs}.to_noise{i + 1}.weight", column)
            mapped[f"{ours}.conv{i}.bias"] = names.take(f"{theirs}.to_noise{i + 1}.bias")
        _styled(names, mapped, f"{theirs}.to_rgb.conv", f"{theirs}.to_rgb.to_style", f"{ours}.torgb", doubled)
        start = 0.0 if k else -1.0  # images become 2 x - 1; what follows keeps a constant
        mapped[f"{ours}.torgb.bias"] = mapped[f"{ours}.torgb.weight"].then(partial(filled, value=start))
        attention += [size] * _attention(names, mapped, f"attns.{k}", f"{ours}.attention")
    mapped["synthesis.noise_const"] = Taken((), partial(fresh_noise, sizes[-1]))
    names.ignore(".upsample.1.f")
    names.done()
    layers = sum(name.endswith(".bias") and name.startswith("mapping.") for name in mapped)
    entry: Options = {
        "use": "lucidrains",
        "normalization": "demod",
        "z_dim": mapped["mapping.fc0.weight"].shape[1],
        "w_dim": mapped[f"mapping.fc{layers - 1}.weight"].shape[0],
        "mapping": {"layers": layers, "lr_multiplier": lr},
        "channels": channels_of([mapped[f"synthesis.b{size}.conv1.weight"].shape[0] for size in sizes]),
        "const": "latent" if from_latent else "normal",
        "attention": attention,
    }
    return Network(entry, mapped, Interface(sizes[-1], mapped["synthesis.b4.torgb.weight"].shape[0], 0))


def mapping_of(names: Names) -> Mapped:
    """The mapping network; only every second of their layers has weights. Raises CheckpointError."""
    mapped = Mapped()
    for i in range(max(sum(name.endswith(".weight") for name in names), 1)):
        mapped[f"mapping.fc{i}.weight"] = names.take(f"net.{2 * i}.weight")
        mapped[f"mapping.fc{i}.bias"] = names.take(f"net.{2 * i}.bias")
    names.done()
    return mapped


def discriminator_of(names: Names) -> Network:
    """A discriminator. Raises CheckpointError."""
    blocks = sum(name.endswith(".conv_res.weight") for name in names)
    if blocks < 3:
        raise CheckpointError(f"has {blocks} blocks in the discriminator, where three or more are expected")
    sizes = [1 << (blocks - i) for i in range(blocks)]  # the sizes of their inputs: R, ..., 4, 2
    mapped, attention = Mapped(), list[int]()
    for k, size in enumerate(sizes):
        theirs, ours = f"blocks.{k}", f"b{size}"
        _layer(names, mapped, f"{theirs}.conv_res", f"{ours}.skip")
        _layer(names, mapped, f"{theirs}.net.0", f"{ours}.conv0")
        _layer(names, mapped, f"{theirs}.net.2", f"{ours}.conv1")
        if size > 2:
            _layer(names, mapped, f"{theirs}.downsample.1", f"{ours}.conv2")
        attention += [size] * _attention(names, mapped, f"attn_blocks.{k}", f"{ours}.attention")
    _layer(names, mapped, "final_conv", "conv")
    _layer(names, mapped, "to_logit", "out")
    names.ignore(".downsample.0.f")
    names.done()
    widths, colors = zip(*(mapped[f"b{size}.skip.weight"].shape[:2] for size in sizes), strict=True)
    channels = {"base": widths[0] * sizes[0] // 2, "max": max(widths)}
    return Network(
        {"use": "lucidrains", "channels": channels, "attention": attention}, mapped, Interface(sizes[0], colors[0], 0)
    )


def _layer(names: Names, mapped: Mapped, theirs: str, ours: str) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.weight")
    mapped[f"{ours}.bias"] = names.take(f"{theirs}.bias")


def _styled(names: Names, mapped: Mapped, theirs: str, style: str, ours: str, change: Change | None = None) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.weight", change)
    mapped[f"{ours}.affine.weight"] = names.take(f"{style}.weight")
    mapped[f"{ours}.affine.bias"] = names.take(f"{style}.bias")


def _attention(names: Names, mapped: Mapped, theirs: str, ours: str) -> bool:
    """Whether there is attention in a place; takes it."""
    if f"{theirs}.0.fn.norm.g" not in names:
        return False
    for i in (0, 1):
        mapped[f"{ours}.norm{i}.gain"] = names.take(f"{theirs}.{i}.fn.norm.g", first)
        mapped[f"{ours}.norm{i}.bias"] = names.take(f"{theirs}.{i}.fn.norm.b", first)
    mapped[f"{ours}.attention.q.weight"] = names.take(f"{theirs}.0.fn.fn.to_q.weight")
    mapped[f"{ours}.attention.depthwise.weight"] = names.take(f"{theirs}.0.fn.fn.to_kv.net.0.weight")
    mapped[f"{ours}.attention.kv.weight"] = names.take(f"{theirs}.0.fn.fn.to_kv.net.1.weight")
    _layer(names, mapped, f"{theirs}.0.fn.fn.to_out", f"{ours}.attention.o")
    _layer(names, mapped, f"{theirs}.1.fn.fn.0", f"{ours}.conv0")
    _layer(names, mapped, f"{theirs}.1.fn.fn.2", f"{ours}.conv1")
    return True


def doubled(x: Tensor) -> Tensor:
    """A weight for images on [0, 1], which become those on [-1, 1]."""
    return x * 2


def dense(x: Tensor) -> Tensor:
    """A transposed convolution [in, out, 4, 4] of one pixel as a linear layer [out * 16, in]."""
    return x.flatten(1).mT


def first(x: Tensor) -> Tensor:
    return x[0]


def column(x: Tensor) -> Tensor:
    return x[:, 0]


def filled(x: Tensor, value: float) -> Tensor:
    """One number for each output of a weight."""
    return torch.full_like(x[:, 0, 0, 0], value)


def fresh_noise(size: int) -> Tensor:
    """[size, size], the same for every model."""
    return torch.rand(size, size, generator=torch.Generator().manual_seed(size))
