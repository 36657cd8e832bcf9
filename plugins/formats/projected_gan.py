"""Snapshots of Projected GAN whose generator is FastGAN's; those with a StyleGAN2 are of the format `nvidia`.

Source: arXiv:2111.01007, arXiv:2101.04775. Modules are pickled by reference: attributes and tensors are read as data.
With spectral norm the trained weight is stored, beside u and v; a normalized copy of it is ignored.
Noise is drawn there in every pass: the noise of `const` is drawn here, the same for every file. In conditional blocks
two layers share one strength of the noise; here it becomes two.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import Mapped, Names, Network, Options, Snapshot, Taken, channels_of
from gancore.interop.reading import Foreign
from gancore.interop.values import Record, entries, state_of, submodules

FIRST = "synthesis.init.init.0"
LAYERS: Mapping[str, Sequence[tuple[str, str | None, str]]] = {
    "1.weight_orig,7.running_mean": [("1", "2", "3"), ("5", "6", "7")],
    "1.weight_orig,2.running_mean": [("1", None, "2")],
    "conv1.weight_orig": [("conv1", "noise", "bn1"), ("conv2", "noise", "bn2")],
    "conv.weight_orig": [("conv", None, "bn")],
}
"""By tensors that a block has: the names of convolution, noise and batch norm of each of its layers."""


class ProjectedGAN(Format):
    """Plugin `projected_gan`: pickles of G, D and G_ema."""

    title = "Projected GAN with FastGAN's generator"
    classes = ("dnnlib.util.EasyDict", "pg_modules.*", "timm.*", "torch.nn.*")

    def recognises(self, head: Foreign) -> bool:
        network = entries(head.contents).get("G_ema")
        return isinstance(network, Record) and f"{FIRST}.weight_orig" in state_of(network)

    def read(self, file: Foreign) -> Snapshot:
        contents = entries(file.contents)
        snapshot = Snapshot(generator_of(contents["G_ema"]), sections={"loss": "hinge"})
        if isinstance(contents.get("G"), Record):
            snapshot.generator = generator_of(contents["G"])
        if isinstance(contents.get("D"), Record):
            snapshot.left.append(f"discriminator: {contents['D'].name} uses another project's network")
        return snapshot


def generator_of(record: Record) -> Network:
    """A generator. Raises CheckpointError."""
    names = Names(state_of(record), "the generator")
    resolution = submodules(record)["synthesis"].state.get("img_resolution")
    if not isinstance(resolution, int) or resolution not in (128, 256, 512, 1024):
        raise CheckpointError("does not say the resolution of its images")
    sizes = [8 << i for i in range(resolution.bit_length() - 3)]
    mapped: Mapped = {}
    _spectral(mapped, names, "synthesis.b4.conv", FIRST, lambda weight: weight.transpose(0, 1))
    _batch_norm(mapped, names, "synthesis.b4.tail", "synthesis.init.init.1")
    counts = [_block(mapped, names, size) for size in sizes]
    for low in (4, 8, 16, 32):
        if (high := 16 * low) <= resolution:
            for ours, theirs in (("fc0", "1"), ("fc1", "3")):
                excitation = f"synthesis.excitations.b{high}.{ours}"
                _spectral(mapped, names, excitation, f"synthesis.se_{high}.main.{theirs}", lambda w: w.flatten(1))
    _spectral(mapped, names, "synthesis.torgb", "synthesis.to_big")
    mapped["synthesis.torgb.bias"] = names.take("synthesis.to_big.bias")
    unused = [f"synthesis.{kind}_{size}." for kind in ("feat", "se") for size in (256, 512, 1024) if size > resolution]
    names.ignore("num_batches_tracked", *(name for name in names if name.startswith(tuple(unused))))
    rows, z_dim = mapped["synthesis.b4.conv.weight"].shape[:2]
    widths = [rows // 2, *(mapped[f"synthesis.b{size}.layers.0.conv.weight"].shape[0] // 2 for size in sizes)]
    entry: Options = {
        "use": "fastgan",
        "normalization": "batch",
        "weight_normalization": "spectral",
        "z_dim": z_dim,
        "channels": channels_of(widths),
        "blocks": "double" if counts[0] == 2 else "single",
        "normalize_z": True,
    }
    label_dim = 0
    if "synthesis.embed.weight" in names:
        mapped["mapping.embedding"] = names.take("synthesis.embed.weight")
        label_dim, features = mapped["mapping.embedding"].shape
        entry |= {"embed_features": features, "labels": "normalization"}
        entry["normalization"] = {"use": "conditional_batch", "bias": True}
    names.done()
    return Network(entry, mapped, Interface(resolution, mapped["synthesis.torgb.weight"].shape[0], label_dim))


def _block(mapped: Mapped, names: Names, size: int) -> int:
    """Maps the layers of a block; returns their number."""
    at = f"synthesis.feat_{size}"
    marks = (mark for mark in LAYERS if all(f"{at}.{name}" in names for name in mark.split(",")))
    layers = LAYERS.get(next(marks, ""), [])
    for i, (conv, noise, norm) in enumerate(layers):
        ours = f"synthesis.b{size}.layers.{i}"
        _spectral(mapped, names, f"{ours}.conv", f"{at}.{conv}")
        if noise is not None:
            mapped[f"{ours}.noise_strength"] = names.take(f"{at}.{noise}.weight", lambda weight: weight.reshape([]))
            mapped[f"{ours}.noise_const"] = Taken((), partial(_noise, size, i))
        _batch_norm(mapped, names, f"{ours}.tail", f"{at}.{norm}")
    if not layers:
        raise CheckpointError(f"has a block feat_{size} of another kind than those that are known")
    return len(layers)


def _batch_norm(mapped: Mapped, names: Names, ours: str, theirs: str) -> None:
    """Batch norm with gain and bias, or conditional batch norm."""
    conditional = f"{theirs}.stored_mean" in names
    at, kind = f"{ours}.normalization", "stored" if conditional else "running"
    for moment in ("mean", "var"):
        inner = at if conditional else f"{at}.inner"
        mapped[f"{inner}.moments.running_{moment}"] = names.take(f"{theirs}.{kind}_{moment}")
    if not conditional:
        mapped[f"{at}.gain"], mapped[f"{ours}.bias"] = names.take(f"{theirs}.weight"), names.take(f"{theirs}.bias")
        return
    for layer, source in (("gain", "gain"), ("shift", "bias")):
        _spectral(mapped, names, f"{at}.affine.{layer}", f"{theirs}.{source}")
        mapped[f"{at}.affine.{layer}.bias"] = names.take(f"{theirs}.{source}.bias")


def _spectral(
    mapped: Mapped, names: Names, ours: str, theirs: str, change: Callable[[Tensor], Tensor] | None = None
) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.weight_orig", change)
    for vector in ("u", "v"):
        mapped[f"{ours}.weight_normalization.{vector}"] = names.take(f"{theirs}.weight_{vector}")


def _noise(size: int, layer: int) -> Tensor:
    return torch.randn(size, size, generator=torch.Generator().manual_seed(2 * size + layer))
