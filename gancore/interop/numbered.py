"""Networks whose layers are numbered, as in genforce and Hammer: `layer3`, `output2`, `input0`, `dense5`.

Generators count layers and images up from 4x4; discriminators count them from the finest on, and end with a
convolution and two dense layers at 4x4.
"""

from collections.abc import Callable

from torch import Tensor

from gancore.errors import CheckpointError
from gancore.interop.networks import Mapped, Names


def generator_places(names: Names, prefix: str = "", first: int = 0) -> dict[str, str]:
    """Their layers to ours, `layer3` to `b8.conv1`, `output2` to `b16.torgb`, `residual1` to `b8.skip`.

    `first` is the place of layer 0 at 4x4: 1 if the constant input has no layer (StyleGAN2).
    """
    found: dict[str, str] = {}
    for layer in _layers(names, prefix):
        kind, number = _split(layer)
        if kind == "layer":
            found[layer] = f"b{4 << (number + first) // 2}.conv{(number + first) % 2}"
        elif kind in ("output", "residual"):
            found[layer] = f"b{4 << number}.{'torgb' if kind == 'output' else 'skip'}"
    return found


def discriminator_places(names: Names) -> dict[str, str]:
    """Their layers to ours, `input0` to the fromRGB of the finest, `layer0` to its first convolution."""
    layers = _layers(names, "")
    numbers = [number for kind, number in map(_split, layers) if kind == "layer"]
    ends_apart = "output" in layers
    last = max(numbers, default=-1) - (1 if ends_apart else 2)
    if last < 0 or last % 2:
        raise CheckpointError(f"has {len(numbers)} layers in {names.what}, which do not make whole blocks")
    top = 4 << last // 2
    found: dict[str, str] = {}
    for layer in layers:
        kind, number = _split(layer)
        if kind == "input":
            found[layer] = f"b{top >> number}.fromrgb"
        elif kind in ("residual", "skip_layer"):
            found[layer] = f"b{top >> number}.skip"
        elif kind == "output":
            found[layer] = "b4.out"
        elif kind == "layer":
            at_end = number - last
            found[layer] = f"b{top >> number // 2}.conv{number % 2}" if at_end < 0 else f"b4.{ENDS[at_end]}"
    return found


ENDS = ("conv", "fc", "out")


def placed(names: Names, places: dict[str, str], leaves: dict[str, str], theirs: str = "", ours: str = "") -> Mapped:
    """The tensors `LAYER.LEAF` under our names, unchanged; `leaves`: their last parts to ours."""
    return {
        f"{ours}{place}.{leaf}": names.take(f"{theirs}{layer}.{their_leaf}")
        for layer, place in places.items()
        for their_leaf, leaf in leaves.items()
        if f"{theirs}{layer}.{their_leaf}" in names
    }


def changed(mapped: Mapped, ending: str, change: Callable[[Tensor], Tensor]) -> None:
    """Changes the tensors whose names end with `ending`."""
    for name in mapped:
        if name.endswith(ending):
            mapped[name] = mapped[name].then(change)


def dense_layers(names: Names, theirs: str = "mapping.dense", ours: str = "mapping.fc") -> Mapped:
    """`mapping.dense0.weight` and so on."""
    count = sum(name.startswith(theirs) and name.endswith(".weight") for name in names)
    return {f"{ours}{i}.{leaf}": names.take(f"{theirs}{i}.{leaf}") for i in range(count) for leaf in ("weight", "bias")}


def _layers(names: Names, prefix: str) -> list[str]:
    found = (name.removeprefix(prefix).partition(".")[0] for name in names if name.startswith(prefix))
    return list(dict.fromkeys(found))


def _split(layer: str) -> tuple[str, int]:
    kind = layer.rstrip("0123456789")
    number = int(layer[len(kind) :] or 0)
    if number > 64:
        raise CheckpointError(f"has a layer {layer[:40]!r}")
    return kind, number
