"""Snapshots of R3GAN, whose modules are pickled by reference, and folders with its generator as safetensors.

Source: arXiv:2501.05441. Residual blocks in stages: widths, groups and numbers of blocks are free in each. The source
of the classes is not in the file; attributes and tensors are read as data.
"""

import re

import numpy as np
from torch import Tensor

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import Mapped, Names, Network, Options, Snapshot, Taken, below, channels_of, taps_of
from gancore.interop.reading import Foreign
from gancore.interop.values import Array, Record, entries, state_of

FIRST = "MainLayers.0.Layers.0.Basis"
PLACE = re.compile(r"MainLayers\.(\d+)\.Layers\.(\d+)\.(.+)")


class R3GAN(Format):
    """Plugin `r3gan`: pickles of G, D and G_ema with the states of their optimizers, or a generator's folder."""

    title = "R3GAN"
    classes = ("training.networks.*", "R3GAN.*", "torch.nn.*", "dnnlib.util.EasyDict")

    def recognises(self, head: Foreign) -> bool:
        return not {f"G_ema.Model.{FIRST}", f"model.{FIRST}", FIRST}.isdisjoint(head.arrays)

    def read(self, file: Foreign) -> Snapshot:
        contents = entries(file.contents)
        if not isinstance(contents.get("G_ema"), Record):
            return Snapshot(generator_of(below(file.arrays, "model.") or file.arrays))
        snapshot = Snapshot(generator_of(_state(contents["G_ema"])))
        if isinstance(contents.get("G"), Record):
            snapshot.generator = generator_of(_state(contents["G"]))
        if isinstance(contents.get("D"), Record):
            snapshot.discriminator = discriminator_of(_state(contents["D"]))
        if isinstance(shown := contents.get("cur_nimg"), int):
            snapshot.facts["kimg"] = shown / 1000
        snapshot.sections["loss"] = "relativistic"
        return snapshot


def generator_of(arrays: dict[str, Array]) -> Network:
    """A generator; stage k paints at 4 * 2 ** k. Raises CheckpointError."""
    names = Names(arrays, "the generator")
    stages = _stages(names)
    mapped: Mapped = {}
    for name in names:
        if name == "AggregationLayer.Layer.weight":
            mapped[f"synthesis.b{4 << stages - 1}.torgb.weight"] = names.take(name)
        elif name == "EmbeddingLayer.weight":
            mapped["mapping.embed.weight"] = names.take(name)
        elif found := PLACE.fullmatch(name):
            at, layer, leaf = f"synthesis.b{4 << int(found[1])}", int(found[2]), found[3]
            if layer == 0 and leaf in ("Basis", "LinearLayer.weight"):
                mapped[f"{at}.enter.{'basis' if leaf == 'Basis' else 'linear.weight'}"] = names.take(name)
            elif leaf == "LinearLayer.Layer.weight":
                mapped[f"{at}.enter.conv.weight"] = names.take(name)
            else:
                _block(names, mapped, name, f"{at}.blocks.{layer - 1}", leaf)
    options = _options(names, mapped, "synthesis.", stages)
    features, label_dim = _shape(mapped, "mapping.embed.weight") or (0, 0)
    inputs = mapped["synthesis.b4.enter.linear.weight"].shape[1]
    options |= {"z_dim": inputs - features}
    if features:
        options["embed_features"] = features
    channels = mapped[f"synthesis.b{4 << stages - 1}.torgb.weight"].shape[0]
    return Network(options, mapped, Interface(4 << stages - 1, channels, label_dim))


def discriminator_of(arrays: dict[str, Array]) -> Network:
    """A discriminator; stage k reads at the resolution of the images / 2 ** k. Raises CheckpointError."""
    names = Names(arrays, "the discriminator")
    stages = _stages(names)
    top, mapped = 2 << stages, Mapped()
    for name in names:
        if name == "ExtractionLayer.Layer.weight":
            mapped[f"b{top}.fromrgb.weight"] = names.take(name)
        elif name == "EmbeddingLayer.weight":
            mapped["embed.weight"] = names.take(name)
        elif found := PLACE.fullmatch(name):
            at, layer, leaf = f"b{top >> int(found[1])}", int(found[2]), found[3]
            if leaf == "Basis.weight":
                mapped["b4.leave.weight"] = names.take(name)
            elif leaf == "LinearLayer.weight":
                mapped["out.weight"] = names.take(name)
            elif leaf == "LinearLayer.Layer.weight":
                mapped[f"{at}.leave.conv.weight"] = names.take(name)
            else:
                _block(names, mapped, name, f"{at}.blocks.{layer}", leaf)
    options = _options(names, mapped, "", stages)
    features, label_dim = _shape(mapped, "embed.weight") or (0, 0)
    if features:
        options["cmap_dim"] = features
    channels = mapped[f"b{top}.fromrgb.weight"].shape[1]
    return Network(options, mapped, Interface(top, channels, label_dim))


def _state(module: Record) -> dict[str, Array]:
    return below(state_of(module), "Model.")


def _stages(names: Names) -> int:
    found = {int(match[1]) for match in map(PLACE.match, names) if match}
    if not found or found != set(range(len(found))) or len(found) > 16:
        raise CheckpointError(f"has gaps between the stages of {names.what}")
    return len(found)


def _block(names: Names, mapped: Mapped, name: str, ours: str, leaf: str) -> None:
    """A tensor of a residual block: LinearLayer1 to 3 are its convolutions, NonLinearity1 and 2 hold their biases."""
    if found := re.fullmatch(r"LinearLayer([123])\.Layer\.weight", leaf):
        mapped[f"{ours}.conv{int(found[1]) - 1}.weight"] = names.take(name)
    elif found := re.fullmatch(r"NonLinearity([12])\.Bias", leaf):
        mapped[f"{ours}.conv{int(found[1]) - 1}.bias"] = names.take(name)


def _options(names: Names, mapped: Mapped, inner: str, stages: int) -> Options:
    """Options of the blocks, from the shapes of the first of each stage."""
    first = [f"{inner}b{4 << i}.blocks.0" for i in range(stages)]
    if any(f"{block}.conv1.weight" not in mapped or f"{block}.conv0.weight" not in mapped for block in first):
        raise CheckpointError(f"has a stage without blocks in {names.what}")
    widths = [mapped[f"{block}.conv0.weight"].shape[1] for block in first]
    hidden = [mapped[f"{block}.conv0.weight"].shape[0] for block in first]
    sizes = [mapped[f"{block}.conv1.weight"].shape[1] for block in first]
    blocks = [
        sum(name.startswith(f"{inner}b{4 << i}.blocks.") and name.endswith("conv0.weight") for name in mapped)
        for i in range(stages)
    ]
    kernel = next((names.array(name) for name in names if name.endswith("Resampler.Kernel")), None)
    names.ignore("Resampler.Kernel")
    names.done()
    options: Options = {
        "use": "bottleneck",
        "normalization": "none",
        "channels": channels_of(widths),
        "expansion": hidden[0] // widths[0],
        "blocks": blocks[0],
        "group_size": sizes[0],
    }
    if len(set(blocks)) > 1:
        options["blocks_each"] = blocks
    if len(set(sizes)) > 1:
        options["group_size_each"] = sizes
    if kernel is not None:
        options["resample_filter"] = _taps(kernel.tensor())
    return options


def _taps(kernel: Tensor) -> list[float]:
    """Those of the whole filter; one of three taps is applied to an image whose pixels were doubled first."""
    taps = taps_of(kernel.reshape(kernel.shape[-2:]))
    return taps if len(taps) % 2 == 0 else np.convolve(taps, [1, 1]).tolist()


def _shape(mapped: dict[str, Taken], name: str) -> tuple[int, ...] | None:
    return mapped[name].shape if name in mapped else None
