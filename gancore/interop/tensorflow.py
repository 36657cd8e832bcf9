"""The networks that NVIDIA's TensorFlow code pickled: a tuple (G, D, Gs) of names and numbers, with the source of the
module that built them, which is neither executed nor kept. Shapes are not stored; sizes follow from the variables.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gancore.contracts import Stage
from gancore.errors import CheckpointError
from gancore.interop.networks import Mapped, Names, Network, Options, Snapshot
from gancore.interop.reading import Foreign
from gancore.interop.values import Array, Record, entries, word

CLASSES = ("dnnlib.tflib.network.Network", "tfutil.Network", "network.Network")
FUSED_FROM = 128
"""`fused_scale` auto: fused kernels from this resolution on."""


@dataclass(frozen=True)
class TFNetwork:
    """One network: the function that built it, its arguments, variables and components."""

    record: Record
    what: str

    @property
    def function(self) -> str:
        return word(self.record.state.get("build_func_name"))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments in the file; the others had the function's defaults."""
        return dict(entries(self.record.state.get("static_kwargs")))

    def component(self, name: str) -> "TFNetwork":
        """The mapping or the synthesis of a generator. Raises CheckpointError."""
        found = entries(self.record.state.get("components")).get(name)
        if not isinstance(found, Record):
            raise CheckpointError(f"lacks the {name} of {self.what}")
        return TFNetwork(found, f"the {name} of {self.what}")

    def variables(self) -> Names:
        """Its own variables, without those of components. Raises CheckpointError."""
        found: dict[str, Array | float] = {}
        for pair in self.record.state.get("variables") or ():
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[1], Array | float | int):
                raise CheckpointError(f"has a variable of {self.what} that is not a number")
            found[word(pair[0])] = pair[1]
        return Names(found, self.what)

    def only(self, **known: Any) -> None:
        """Raises CheckpointError if an argument has a value that no network of gancore supports.

        `known`: for each such argument the supported values, the default among them.
        """
        for name, values in known.items():
            if name in self.arguments and self.arguments[name] not in values:
                raise CheckpointError(
                    f"has {name} = {word(self.arguments[name])} in {self.what}, which gancore's networks do not support"
                )

    def lod(self) -> float:
        """The number of levels of detail that are still missing."""
        value = self.variables().arrays.get("lod", 0.0)
        return float(value.tensor()) if isinstance(value, Array) else float(value)


def networks_of(file: Foreign) -> tuple[TFNetwork, TFNetwork, TFNetwork] | None:
    """G, D and Gs; None where the file is not such a tuple."""
    found = file.contents
    if not isinstance(found, list | tuple) or len(found) != 3:
        return None
    if not all(isinstance(part, Record) and part.name in CLASSES for part in found):
        return None
    generator, discriminator, average = found
    return (
        TFNetwork(generator, "the generator"),
        TFNetwork(discriminator, "the discriminator"),
        TFNetwork(average, "the averaged generator"),
    )


def snapshot_of(
    file: Foreign, generator_of: Callable[[TFNetwork], Network], discriminator_of: Callable[[TFNetwork], Network]
) -> Snapshot:
    """All networks of a file, each made by one of these functions, and the missing levels of detail, if any."""
    found = networks_of(file)
    assert found is not None, "a format reads what it recognises"
    generator, discriminator, average = found
    snapshot = Snapshot(generator_of(average), generator_of(generator), discriminator_of(discriminator))
    if lod := average.lod():
        snapshot.facts["lod"] = lod
    return snapshot


def averaged_mapping_of(network: TFNetwork) -> tuple[Mapped, Options]:
    """The tensors of a generator's mapping network, w_avg among them, and its options."""
    mapped, options = mapping_of(network.component("mapping"))
    mapped["mapping.w_avg"] = network.variables().take("dlatent_avg")
    decay = network.arguments.get("w_avg_beta", network.arguments.get("dlatent_avg_beta", 0.995))
    return mapped, options if decay is None else {**options, "w_avg_decay": float(decay)}


def stage_of(lod: float, resolution: int) -> Stage | None:
    """The stage: lod 1.3 of 32x32 means 16x16 images, the newest block at 0.7; None if nothing is missing."""
    if not 0 <= lod < math.log2(resolution):
        raise CheckpointError(f"has lod {lod:.3g}, which images of {resolution} pixels cannot have")
    if lod == 0:
        return None
    least = max(resolution >> math.floor(lod), 4)
    return Stage(least, 1.0 - (lod - math.floor(lod)) if least > 4 else 1.0)


def conv(x: Tensor) -> Tensor:
    """[k, k, in, out] to [out, in, k, k]."""
    return x.permute(3, 2, 0, 1)


def turned(x: Tensor) -> Tensor:
    """The same for a kernel that is stored flipped."""
    return conv(x).flip(2, 3)


def dense(x: Tensor) -> Tensor:
    """[in, out] to [out, in]."""
    return x.T


def first(x: Tensor) -> Tensor:
    """[1, C, H, W] to [C, H, W]."""
    return x[0]


def noise(x: Tensor) -> Tensor:
    """[1, 1, H, W] to [H, W]."""
    return x[0, 0]


def is_fused(arguments: dict[str, Any], resolution: int, default: Any) -> bool:
    """Whether resampling and convolution were one operation, whose kernel is stored flipped."""
    fused = arguments.get("fused_scale", default)
    return resolution >= FUSED_FROM if fused == "auto" else bool(fused)


def mapping_of(network: TFNetwork) -> tuple[Mapped, Options]:
    """The tensors of a mapping network, and its options."""
    network.only(mapping_nonlinearity=("lrelu",), use_wscale=(True,), nonlinearity=("lrelu",))
    names, arguments = network.variables(), network.arguments
    options: Options = {"lr_multiplier": float(arguments.get("mapping_lrmul", 0.01))}
    if not arguments.get("normalize_latents", True):
        options["normalize_z"] = False
    mapped: Mapped = {}
    if "LabelConcat/weight" in names:
        mapped["mapping.embed.weight"] = names.take("LabelConcat/weight", dense)
        options["labels"] = "together"
    elif "LabelEmbed/weight" in names:
        mapped["mapping.embed.weight"] = names.take("LabelEmbed/weight", dense)
        mapped["mapping.embed.bias"] = names.take("LabelEmbed/bias")
    for i in range(sum(name.startswith("Dense") and name.endswith("/weight") for name in names)):
        mapped[f"mapping.fc{i}.weight"] = names.take(f"Dense{i}/weight", dense)
        mapped[f"mapping.fc{i}.bias"] = names.take(f"Dense{i}/bias")
    names.done()
    return mapped, options


def blocks_of(names: Names) -> list[int]:
    """The resolutions of the blocks `8x8/...`, from 4 up."""
    found = {int(name.partition("x")[0]) for name in names if name.partition("x")[0].isdigit()}
    return sorted(found)


def dense_layer(x: Tensor) -> Tensor:
    """[in, out * 16] to [out, in, 4, 4]."""
    return x.T.unflatten(0, (-1, 4, 4)).permute(0, 3, 1, 2)


def lod_of(size: int, sizes: list[int]) -> int:
    """The level of detail of a block: 0 is the finest."""
    return int(math.log2(sizes[-1] // size))
