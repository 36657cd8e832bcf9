"""Checkpoints of rosinality/stylegan2-pytorch: those that `convert_weight.py` writes and those of its training.

Source of the networks: arXiv:1912.04958, the generator with output skips and the residual discriminator. Weights are
stored as ours are; only names and leading dimensions of 1 differ. A training checkpoint has no average w.
"""

from gancore.contracts import Format
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Snapshot,
    Taken,
    below,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import first, noise
from gancore.interop.values import Array, entries


class Rosinality(Format):
    """Plugin `rosinality`: state dicts g_ema, g and d."""

    title = "rosinality/stylegan2-pytorch"
    classes = ("argparse.Namespace",)

    def recognises(self, head: Foreign) -> bool:
        return "g_ema" in head.keys and "g_ema.input.input" in head.arrays

    def read(self, file: Foreign) -> Snapshot:
        arrays, average = file.arrays, entries(file.contents).get("latent_avg")
        w_avg = average if isinstance(average, Array) else None
        snapshot = Snapshot(generator_of(Names(below(arrays, "g_ema."), "g_ema"), w_avg), estimate_w_avg=w_avg is None)
        if "g" in file.keys:
            snapshot.generator = generator_of(Names(below(arrays, "g."), "g"), w_avg)
        if "d" in file.keys:
            snapshot.discriminator = discriminator_of(Names(below(arrays, "d."), "d"))
        if isinstance(strength := entries(file.contents).get("ada_aug_p"), float | int):
            snapshot.facts["augment_p"] = float(strength)
        return snapshot


def generator_of(names: Names, w_avg: Array | None) -> Network:
    """A generator with output skips. Raises CheckpointError."""
    mapped: Mapped = {} if w_avg is None else {"mapping.w_avg": Taken((w_avg,))}
    for i in range(sum(name.startswith("style.") and name.endswith(".weight") for name in names)):
        for leaf in ("weight", "bias"):
            mapped[f"mapping.fc{i}.{leaf}"] = names.take(f"style.{i + 1}.{leaf}")
    mapped["synthesis.b4.const"] = names.take("input.input", first)
    _layer(names, mapped, "conv1", "synthesis.b4.conv1", 0)
    _torgb(names, mapped, "to_rgb1", "synthesis.b4.torgb")
    for k in range(sum(name.startswith("to_rgbs.") and name.endswith(".bias") and "mod" not in name for name in names)):
        block = f"synthesis.b{8 << k}"
        _layer(names, mapped, f"convs.{2 * k}", f"{block}.conv0", 2 * k + 1)
        _layer(names, mapped, f"convs.{2 * k + 1}", f"{block}.conv1", 2 * k + 2)
        _torgb(names, mapped, f"to_rgbs.{k}", f"{block}.torgb")
    taps = taps_of(names.array("convs.0.conv.blur.kernel").tensor())
    names.ignore(".kernel")
    names.done()
    return style_generator(mapped, "skip", resample_filter=taps)


def discriminator_of(names: Names) -> Network:
    """A residual discriminator. Raises CheckpointError."""
    blocks = sum(name.startswith("convs.") and name.endswith(".conv1.0.weight") for name in names)
    top, mapped = 4 << blocks, Mapped()
    mapped[f"b{top}.fromrgb.weight"] = names.take("convs.0.0.weight")
    mapped[f"b{top}.fromrgb.bias"] = names.take("convs.0.1.bias")
    for k in range(blocks):
        at, block = f"convs.{k + 1}", f"b{top >> k}"
        mapped[f"{block}.conv0.weight"] = names.take(f"{at}.conv1.0.weight")
        mapped[f"{block}.conv0.bias"] = names.take(f"{at}.conv1.1.bias")
        mapped[f"{block}.conv1.weight"] = names.take(f"{at}.conv2.1.weight")
        mapped[f"{block}.conv1.bias"] = names.take(f"{at}.conv2.2.bias")
        mapped[f"{block}.skip.weight"] = names.take(f"{at}.skip.1.weight")
    mapped["b4.conv.weight"] = names.take("final_conv.0.weight")
    mapped["b4.conv.bias"] = names.take("final_conv.1.bias")
    for i, ours in enumerate(("fc", "out")):
        for leaf in ("weight", "bias"):
            mapped[f"b4.{ours}.{leaf}"] = names.take(f"final_linear.{i}.{leaf}")
    taps = taps_of(names.array("convs.1.conv2.0.kernel").tensor())
    names.ignore(".kernel")
    names.done()
    return style_discriminator(mapped, "residual", resample_filter=taps)


def _layer(names: Names, mapped: Mapped, theirs: str, ours: str, place: int) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.conv.weight", first)
    mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}.conv.modulation.weight")
    mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}.conv.modulation.bias")
    mapped[f"{ours}.bias"] = names.take(f"{theirs}.activate.bias")
    mapped[f"{ours}.noise_strength"] = names.take(f"{theirs}.noise.weight", first)
    mapped[f"{ours}.noise_const"] = names.take(f"noises.noise_{place}", noise)


def _torgb(names: Names, mapped: Mapped, theirs: str, ours: str) -> None:
    mapped[f"{ours}.weight"] = names.take(f"{theirs}.conv.weight", first)
    mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}.conv.modulation.weight")
    mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}.conv.modulation.bias")
    mapped[f"{ours}.bias"] = names.take(f"{theirs}.bias", lambda x: x.flatten())
