"""Checkpoints of PyTorch-StudioGAN: StyleGAN2, BigGAN, SNGAN; one network a file, the others are looked for beside it.

StyleGAN2 (arXiv:1912.04958, arXiv:2006.06676) has the names of stylegan2-ada-pytorch, but for the last layer of the
discriminator. Neither its groups of the minibatch standard deviation nor clamps are in the files: groups of 32 are the
project's own choice, and nothing is clamped.

BigGAN (arXiv:1809.11096) and the residual networks of SNGAN (arXiv:1802.05957) have numbered blocks, among which
self-attention has a separate number; with spectral norm the trained weight is stored, with u and v. Their
activation is not in the files: that of the project's configurations of both is taken, a ReLU, which in the
discriminator changes the input of a block in place, and so the shortcut.
"""

from collections.abc import Mapping, Sequence

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    below,
    channels_of,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.values import entries

STATE = "state_dict."
STYLEGAN2 = {f"{STATE}synthesis.b4.const", f"{STATE}linear1.weight"}
RESIDUAL = {f"{STATE}blocks.0.0.conv2d1.weight", f"{STATE}blocks.0.0.conv2d1.weight_orig"}
"""A tensor of BigGAN's networks and of the residual ones of SNGAN."""

ATTENTION = {"theta": "conv1x1_theta", "phi": "conv1x1_phi", "g": "conv1x1_g", "o": "conv1x1_attn"}
CONVOLUTIONS = {"conv0": "conv2d1", "conv1": "conv2d2", "skip": "conv2d0"}
SPECTRAL = {"use": "spectral", "eps": 1e-6}
CONDITIONAL = {"use": "conditional_batch", "eps": 1e-4}


class StudioGAN(Format):
    """Plugin `studiogan`: the files model=G_ema, model=G and model=D of one snapshot."""

    title = "PyTorch-StudioGAN"

    def recognises(self, head: Foreign) -> bool:
        return "state_dict" in head.keys and not (STYLEGAN2 | RESIDUAL).isdisjoint(head.arrays)

    def companions(self, file: Foreign) -> Mapping[str, Sequence[str]]:
        names = ["model=G_ema-", "model=G-", "model=D-"]
        return {name: [other for other in names if other != name] for name in names}

    def read(self, file: Foreign) -> Snapshot:
        residual = not RESIDUAL.isdisjoint(file.arrays)
        make_g, make_d = (
            (residual_generator, residual_discriminator) if residual else (style_based_generator, style_based_judge)
        )
        found = {_role(other): other for other in file.with_companions}
        average = found.get("G_ema") or found.get("G")
        if average is None:
            raise CheckpointError("is a discriminator, and its generator is not in the same folder")
        snapshot = Snapshot(make_g(Names(below(average.arrays, STATE), "the generator")))
        if "G" in found and average is not found["G"]:
            snapshot.generator = make_g(Names(below(found["G"].arrays, STATE), "the generator"))
        if "D" in found:
            names = Names(below(found["D"].arrays, STATE), "the discriminator")
            snapshot.discriminator = make_d(names, snapshot.average.interface)
            if isinstance(step := entries(found["D"].contents).get("step"), int):
                snapshot.facts["iterations"] = float(step)
        return snapshot


def style_based_generator(names: Names) -> Network:
    """A generator of StyleGAN2. Raises CheckpointError."""
    taps = taps_of(names.array("synthesis.b4.resample_filter").tensor())
    names.ignore("resample_filter")
    mapped: Mapped = {name: names.take(name) for name in names if not name.endswith("resample_filter")}
    return style_generator(mapped, resample_filter=taps)


def style_based_judge(names: Names, interface: Interface) -> Network:
    """A discriminator of StyleGAN2. Raises CheckpointError."""
    kernel = next((names.array(name) for name in names if name.endswith("resample_filter")), None)
    mapped: Mapped = {
        name.replace("linear1.", "b4.out."): names.take(name) for name in names if not name.endswith("resample_filter")
    }
    options: Options = {} if kernel is None else {"resample_filter": taps_of(kernel.tensor())}
    return style_discriminator(mapped, mbstd={"group_size": 32}, **options)


def residual_generator(names: Names) -> Network:
    """A generator of BigGAN, or of SNGAN with conditional batch norm. Raises CheckpointError."""
    mapped: Mapped = {}
    _weight(mapped, names, "synthesis.b4.linear", "linear0")
    blocks, attention = _numbered(names)
    sizes = [8 << i for i in range(len(blocks))]
    for size, block in zip(sizes, blocks, strict=True):
        _block(mapped, names, f"synthesis.b{size}", block)
        for act, bn in (("act0", "bn1"), ("act1", "bn2")):
            ours, theirs = f"synthesis.b{size}.{act}.normalization", f"{block}.{bn}"
            _moments(mapped, names, f"{ours}.moments", f"{theirs}.bn")
            _weight(mapped, names, f"{ours}.affine.gain", f"{theirs}.gain")
            _weight(mapped, names, f"{ours}.affine.shift", f"{theirs}.bias")
        if block in attention:
            _attention(mapped, names, f"synthesis.attention.b{size}", attention[block])
    _moments(mapped, names, "synthesis.act.normalization.inner.moments", "bn4")
    mapped["synthesis.act.normalization.gain"] = names.take("bn4.weight")
    mapped["synthesis.act.bias"] = names.take("bn4.bias")
    _weight(mapped, names, "synthesis.torgb", "conv2d5")
    names.ignore("num_batches_tracked")
    widths = [mapped[f"synthesis.b{size}.conv0.weight"].shape[0] for size in sizes]
    first, part = mapped["synthesis.b4.linear.weight"].shape
    entry: Options = {
        "normalization": CONDITIONAL,
        "channels": channels_of([first // 16, *widths]),
        "attention": [size for size, block in zip(sizes, blocks, strict=True) if block in attention],
    }
    if any(name.endswith("weight_orig") for name in names):
        entry["weight_normalization"] = SPECTRAL
    if "shared.weight" in names:
        mapped["mapping.embedding"] = names.take("shared.weight")
        label_dim, shared_dim = mapped["mapping.embedding"].shape
        entry |= {"use": "biggan", "z_dim": part * (len(blocks) + 1), "shared_dim": shared_dim}
    else:
        label_dim = mapped["synthesis.b8.act0.normalization.affine.gain.weight"].shape[1]
        entry |= {"use": "resnet", "z_dim": part, "labels": "normalization", "conv_bias": True}
    names.done()
    channels = mapped["synthesis.torgb.weight"].shape[0]
    return Network(entry, mapped, Interface(4 << len(blocks), channels, label_dim))


def residual_discriminator(names: Names, interface: Interface) -> Network:
    """A discriminator of BigGAN or SNGAN with projection, for images of the generator's. Raises CheckpointError."""
    mapped: Mapped = {}
    blocks, attention = _numbered(names)
    halving = sum(f"{block}.conv2d0.bias" in names for block in blocks)
    ours = [*(f"b{interface.resolution >> i}" for i in range(halving)), *(f"flat{i}" for i in range(len(blocks)))]
    for name, block in zip(ours, blocks, strict=False):
        _block(mapped, names, name, block)
        if block in attention:
            _attention(mapped, names, f"attention.{name}", attention[block])
    _weight(mapped, names, "out", "linear1")
    _weight(mapped, names, "embed", "embedding", transposed=True)
    widths = [mapped[f"{name}.conv1.weight"].shape[0] for name in ours[:halving]]
    smallest = interface.resolution >> halving
    finest = mapped[f"{ours[0]}.conv0.weight"].shape[0]
    below_smallest = [widths[-1]] * (smallest.bit_length() - 3)
    entry: Options = {
        "use": "biggan",
        "channels": channels_of([*below_smallest, *widths[::-1], finest]),
        "smallest": smallest,
        "shortcut": "activation",
        "flat_blocks": len(blocks) - halving,
        "attention": sorted({interface.resolution >> min(blocks.index(block) + 1, halving) for block in attention}),
    }
    if any(name.endswith("weight_orig") for name in names):
        entry["weight_normalization"] = SPECTRAL
    names.done()
    return Network(entry, mapped, interface)


def _numbered(names: Names) -> tuple[list[str], dict[str, str]]:
    """The residual blocks in their order, and the self-attention behind some of them: {"blocks.1.0": "blocks.2.0"}."""
    blocks: list[str] = []
    attention: dict[str, str] = {}
    for i in range(64):
        if f"blocks.{i}.0.sigma" in names and blocks:
            attention[blocks[-1]] = f"blocks.{i}.0"
        elif any(name.startswith(f"blocks.{i}.0.conv2d1.") for name in names):
            blocks.append(f"blocks.{i}.0")
    return blocks, attention


def _weight(mapped: Mapped, names: Names, ours: str, theirs: str, transposed: bool = False) -> None:
    """The weight of a layer, its bias, and the vectors of its spectral norm where it has any."""
    spectral = f"{theirs}.weight_orig" in names
    change = (lambda weight: weight.T) if transposed else None
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.weight_orig" if spectral else f"{theirs}.weight", change)
    for vector, source in (("u", "v"), ("v", "u")) if transposed else (("u", "u"), ("v", "v")):
        if spectral:
            mapped[f"{ours}.weight_normalization.{vector}"] = names.take(f"{theirs}.weight_{source}")
    if f"{theirs}.bias" in names:
        mapped[f"{ours}.bias"] = names.take(f"{theirs}.bias")


def _block(mapped: Mapped, names: Names, ours: str, theirs: str) -> None:
    for layer, source in CONVOLUTIONS.items():
        if f"{theirs}.{source}.bias" in names:
            _weight(mapped, names, f"{ours}.{layer}", f"{theirs}.{source}")


def _attention(mapped: Mapped, names: Names, ours: str, theirs: str) -> None:
    for layer, source in ATTENTION.items():
        _weight(mapped, names, f"{ours}.{layer}", f"{theirs}.{source}")
    mapped[f"{ours}.gamma"] = names.take(f"{theirs}.sigma", lambda sigma: sigma.reshape([]))


def _moments(mapped: Mapped, names: Names, ours: str, theirs: str) -> None:
    for moment in ("running_mean", "running_var"):
        mapped[f"{ours}.{moment}"] = names.take(f"{theirs}.{moment}")


def _role(file: Foreign) -> str:
    """The network of a file; only averaged generators have a special name."""
    if not {f"{STATE}linear1.weight", f"{STATE}linear1.weight_orig"}.isdisjoint(file.arrays):
        return "D"
    return "G" if "optimizer" in file.keys else "G_ema"
