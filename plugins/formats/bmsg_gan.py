"""State dicts of BMSG-GAN, one network a file; the others are looked for beside it.

Source of the networks: arXiv:1903.06048. Weights with the equalized learning rate are of variance 1, others smaller by
their fan-in: the names do not say, so the numbers decide.
"""

import math
import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import Mapped, Names, Network, Options, Snapshot, channels_of
from gancore.interop.reading import Foreign
from gancore.interop.values import Array

GENERATOR, DISCRIMINATOR = "rgb_converters.0.weight", "final_converter.weight"


class BMSGGAN(Format):
    """Plugin `bmsg_gan`: the files GAN_GEN_SHADOW, GAN_GEN and GAN_DIS of one snapshot, of one or several devices."""

    title = "BMSG-GAN"

    def recognises(self, head: Foreign) -> bool:
        names = _plain(head.arrays)
        return GENERATOR in names or DISCRIMINATOR in names

    def companions(self, file: Foreign) -> Mapping[str, Sequence[str]]:
        names = ["_GEN_SHADOW_", "_GEN_", "_DIS_"]
        return {name: [other for other in names if other != name] for name in names}

    def read(self, file: Foreign) -> Snapshot:
        found = [(other.path.name, _plain(other.arrays)) for other in file.with_companions]
        generators = sorted(
            (("SHADOW" not in name, names) for name, names in found if GENERATOR in names), key=lambda x: x[0]
        )
        discriminator = next((names for _, names in found if DISCRIMINATOR in names), None)
        if not generators:
            raise CheckpointError("is a discriminator, and its generator is not in the same folder")
        snapshot = Snapshot(generator_of(Names(generators[0][1], "the generator")))
        if len(generators) > 1:
            snapshot.generator = generator_of(Names(generators[1][1], "the generator"))
        if discriminator is not None:
            snapshot.discriminator = discriminator_of(Names(discriminator, "the discriminator"))
        return snapshot


def generator_of(names: Names) -> Network:
    """A generator; layers count up from 4x4. Raises CheckpointError."""
    levels = sum(name.startswith("rgb_converters.") and name.endswith(".weight") for name in names)
    mapped: Mapped = {"synthesis.b4.conv0.linear.weight": names.take("layers.0.conv_1.weight", dense_layer)}
    mapped["synthesis.b4.conv0.bias"] = names.take("layers.0.conv_1.bias")
    for k in range(levels):
        for i in (0, 1):
            if k or i:
                _take(names, mapped, f"layers.{k}.conv_{i + 1}", f"synthesis.b{4 << k}.conv{i}")
        _take(names, mapped, f"rgb_converters.{k}", f"synthesis.b{4 << k}.torgb")
    names.done()
    weight = mapped["synthesis.b4.conv1.weight"]
    options: Options = {
        "use": "msg",
        "normalization": "pixel",
        "z_dim": names.array("layers.0.conv_1.weight").shape[0],
        "channels": channels_of([mapped[f"synthesis.b{4 << k}.conv1.weight"].shape[0] for k in range(levels)]),
        "equalized": is_equalized(weight.tensor()),
    }
    return Network(options, mapped, Interface(2 << levels, mapped["synthesis.b4.torgb.weight"].shape[0]))


def discriminator_of(names: Names) -> Network:
    """A discriminator; layers count up from 8x8. Raises CheckpointError."""
    levels = sum(name.startswith("rgb_to_features.") and name.endswith(".weight") for name in names)
    mapped: Mapped = {}
    for k in range(levels):
        _take(names, mapped, f"rgb_to_features.{k}", f"b{8 << k}.fromrgb")
        for i in (0, 1):
            _take(names, mapped, f"layers.{k}.conv_{i + 1}", f"b{8 << k}.conv{i}")
    _take(names, mapped, "final_converter", "b4.fromrgb")
    _take(names, mapped, "final_block.conv_1", "b4.conv")
    for theirs, ours in (("conv_2", "fc"), ("conv_3", "out")):
        mapped[f"b4.{ours}.weight"] = names.take(f"final_block.{theirs}.weight", lambda x: x.flatten(1))
        mapped[f"b4.{ours}.bias"] = names.take(f"final_block.{theirs}.bias")
    names.done()
    top = 4 << levels
    widths = [mapped["b4.conv.weight"].shape[0], *(mapped[f"b{8 << k}.conv0.weight"].shape[1] for k in range(levels))]
    options: Options = {
        "use": "msg",
        "channels": channels_of(widths),
        "equalized": is_equalized(mapped["b4.conv.weight"].tensor()),
    }
    return Network(options, mapped, Interface(top, mapped["b4.fromrgb.weight"].shape[1]))


def is_equalized(weight: Tensor) -> bool:
    """Whether a weight [O, I, k, k] has the spread of the equalized learning rate, 1, or that of its fan-in."""
    own = 1 / math.sqrt(3 * weight[0].numel())
    spread = float(weight.float().square().mean().sqrt())
    return spread > math.sqrt(own)  # the middle between the two, as a ratio


def dense_layer(x: Tensor) -> Tensor:
    """A transposed kernel [in, out, 4, 4] to [out * 16, in]."""
    return x.permute(1, 2, 3, 0).flatten(0, 2)


def _take(names: Names, mapped: Mapped, theirs: str, ours: str) -> None:
    for leaf in ("weight", "bias"):
        mapped[f"{ours}.{leaf}"] = names.take(f"{theirs}.{leaf}")


def _plain(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Names without the `module.` of networks that were trained on several devices."""
    return {re.sub(r"(^|\.)module\.", r"\1", name): array for name, array in arrays.items()}
