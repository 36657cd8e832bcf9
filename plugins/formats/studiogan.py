"""StyleGAN2 checkpoints of PyTorch-StudioGAN, one network a file; the others are looked for beside it.

Source of the networks: arXiv:1912.04958, arXiv:2006.06676. Names are those of stylegan2-ada-pytorch, but for the last
layer of the discriminator. Neither its groups of the minibatch standard deviation nor clamps are in the files: groups
of 32 are the project's own choice, and nothing is clamped.
"""

from collections.abc import Mapping, Sequence

from gancore.contracts import Format
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    below,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.values import entries

STATE = "state_dict."
STYLEGAN2 = {f"{STATE}synthesis.b4.const", f"{STATE}linear1.weight"}
RESIDUAL = {f"{STATE}blocks.0.0.conv2d1.weight", f"{STATE}blocks.0.0.conv2d1.weight_orig"}
"""A tensor of the project's other networks, BigGAN's and the residual ones of SNGAN."""


class StudioGAN(Format):
    """Plugin `studiogan`: the files model=G_ema, model=G and model=D of one moment."""

    title = "PyTorch-StudioGAN"

    def recognises(self, head: Foreign) -> bool:
        return "state_dict" in head.keys and not (STYLEGAN2 | RESIDUAL).isdisjoint(head.arrays)

    def companions(self, file: Foreign) -> Mapping[str, Sequence[str]]:
        names = ["model=G_ema-", "model=G-", "model=D-"]
        return {name: [other for other in names if other != name] for name in names}

    def read(self, file: Foreign) -> Snapshot:
        if not RESIDUAL.isdisjoint(file.arrays):
            raise CheckpointError(
                "is a BigGAN or residual network with conditional batch norm, which ours does not have"
            )
        found = {_role(other): other for other in file.with_companions}
        average = found.get("G_ema") or found.get("G")
        if average is None:
            raise CheckpointError("is a discriminator, and its generator is not beside it")
        snapshot = Snapshot(generator_of(Names(below(average.arrays, STATE), "the generator")))
        if "G" in found and average is not found["G"]:
            snapshot.generator = generator_of(Names(below(found["G"].arrays, STATE), "the generator"))
        if "D" in found:
            snapshot.discriminator = discriminator_of(Names(below(found["D"].arrays, STATE), "the discriminator"))
            if isinstance(step := entries(found["D"].contents).get("step"), int):
                snapshot.facts["iterations"] = float(step)
        return snapshot


def generator_of(names: Names) -> Network:
    """A generator. Raises CheckpointError."""
    taps = taps_of(names.array("synthesis.b4.resample_filter").tensor())
    names.ignore("resample_filter")
    mapped: Mapped = {name: names.take(name) for name in names if not name.endswith("resample_filter")}
    return style_generator(mapped, resample_filter=taps)


def discriminator_of(names: Names) -> Network:
    """A discriminator. Raises CheckpointError."""
    kernel = next((names.array(name) for name in names if name.endswith("resample_filter")), None)
    mapped: Mapped = {
        name.replace("linear1.", "b4.out."): names.take(name) for name in names if not name.endswith("resample_filter")
    }
    options: Options = {} if kernel is None else {"resample_filter": taps_of(kernel.tensor())}
    return style_discriminator(mapped, mbstd={"group_size": 32}, **options)


def _role(file: Foreign) -> str:
    """Which network a file holds; averaged generators have a name of their own, and nothing else."""
    if f"{STATE}linear1.weight" in file.arrays:
        return "D"
    return "G" if "optimizer" in file.keys else "G_ema"
