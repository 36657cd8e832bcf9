"""What a format makes of a file: entries of an experiment for each network, and where each of its tensors comes from.

Most formats hold StyleGAN2 or StyleGAN under other names. They need no more than those names: the sizes, the topology
and most options follow from the shapes (`style_generator`, `style_discriminator`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Interface, Stage
from gancore.errors import CheckpointError
from gancore.interop.values import Array
from gancore.nn import FIRST_RESOLUTION

Options = dict[str, Any]
"""An entry of an experiment as plain data: {"use": "skip", "z_dim": 512, ...}."""


@dataclass(frozen=True)
class Taken:
    """Where a tensor of ours comes from: `make` of `sources`, by default the one source, unchanged.

    `make` is also called with tensors on the meta device, so that shapes are known before memory is taken.
    """

    sources: tuple[Array, ...]
    make: Callable[..., Tensor] | None = None

    def meta(self) -> Tensor:
        """A tensor of the same shape, without numbers."""
        return self._made([source.meta() for source in self.sources])

    def tensor(self) -> Tensor:
        """The numbers; those of floating types as float32."""
        loaded = (source.tensor() for source in self.sources)
        return self._made([x.float() if x.is_floating_point() else x for x in loaded])

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.meta().shape)

    def then(self, change: Callable[[Tensor], Tensor]) -> "Taken":
        """The same tensor, changed."""
        make = self.make
        return Taken(self.sources, lambda *x: change(x[0] if make is None else make(*x)))

    def _made(self, x: list[Tensor]) -> Tensor:
        return x[0] if self.make is None else self.make(*x)


Mapped = dict[str, Taken]
"""Our state-dict names to what they are taken from."""


@dataclass
class Network:
    """One network of a file.

    options: its entry in an experiment. mapping: where each tensor of its state dict comes from.
    stage: what has grown, where it is still growing.
    """

    options: Options
    mapping: Mapped
    interface: Interface
    stage: Stage | None = None


@dataclass
class Snapshot:
    """What a file holds: networks, and what is known of their training.

    average: the averaged generator (or the only one); generator: the one that was being trained.
    sections: other entries of the experiment that follow from the file (loss, regularizers, augmentation, training).
    facts: numbers about the training, {"kimg": 25000.0, "augment_p": 0.42}.
    left: what was not taken over, and why, a line each.
    estimate_w_avg: whether the file has no average w, so that it is estimated from random latents.
    """

    average: Network
    generator: Network | None = None
    discriminator: Network | None = None
    sections: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    estimate_w_avg: bool = False


class Names:
    """The tensors of one foreign network: `take` returns one and records that it was taken."""

    def __init__(self, arrays: Mapping[str, Array | float], what: str = "the network") -> None:
        self.arrays, self.what, self.taken = dict(arrays), what, set[str]()

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def take(self, name: str, change: Callable[[Tensor], Tensor] | None = None) -> Taken:
        """A tensor, changed where `change` is given. Raises CheckpointError where it is missing."""
        if isinstance(value := self.arrays.get(name), float | int):
            self.taken.add(name)
            return Taken((), lambda: torch.tensor(float(value)))
        return Taken((self.array(name),), change)

    def merge(self, make: Callable[..., Tensor], *names: str) -> Taken:
        """A tensor made from several by `make`."""
        return Taken(tuple(self.array(name) for name in names), make)

    def array(self, name: str) -> Array:
        """One array. Raises CheckpointError where it is missing."""
        if name not in self.arrays:
            raise CheckpointError(f"lacks {name!r} of {self.what}")
        self.taken.add(name)
        if not isinstance(array := self.arrays[name], Array):
            raise CheckpointError(f"has a number where {name!r} of {self.what} is expected to be a tensor")
        return array

    def ignore(self, *endings: str) -> None:
        """Marks tensors as known, by the ends of their names, without taking them (filters follow from the options)."""
        self.taken |= {name for name in self.arrays if name.endswith(endings)}

    def done(self) -> None:
        """Raises CheckpointError if there are unknown tensors."""
        if rest := [name for name in self.arrays if name not in self.taken]:
            more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
            raise CheckpointError(f"has a tensor in {self.what} that no network of gancore has: {rest[0]!r}{more}")


def snapshot_of(
    arrays: Mapping[str, Array],
    names: tuple[str, str, str],
    generator_of: Callable[[Names], Network],
    discriminator_of: Callable[[Names, Network], Network] | None,
) -> Snapshot:
    """The networks of a file whose tensors begin with the network's name, "g_ema.input.input".

    names: of the averaged generator (the other one replaces a missing one), of the generator, of the
    discriminator. discriminator_of also receives the averaged generator; None: gancore has no such discriminator.
    """
    average, generator, discriminator = (Names(below(arrays, f"{name}."), f"the {name}") for name in names)
    snapshot = Snapshot(generator_of(average if average.arrays else generator))
    if average.arrays and generator.arrays:
        snapshot.generator = generator_of(generator)
    if discriminator.arrays and discriminator_of is not None:
        snapshot.discriminator = discriminator_of(discriminator, snapshot.average)
    return snapshot


def below(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose names begin with `prefix`, under the rest of the name."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def resolutions_of(mapped: Iterable[str], beginning: str = "") -> list[int]:
    """4, 8, ... by names `{beginning}b64. ...`. Raises CheckpointError if some are missing in between."""
    found = {name.removeprefix(beginning).partition(".")[0] for name in mapped if name.startswith(beginning)}
    sizes = sorted(int(name[1:]) for name in found if name[:1] == "b" and name[1:].isdigit() and len(name) < 6)
    if not sizes or sizes != [4 << i for i in range(len(sizes))]:
        raise CheckpointError(f"has blocks at {sizes or 'no resolution'}, where 4, 8, 16, ... are expected")
    return sizes


def channels_of(widths: list[int]) -> Options:
    """The option `channels` for feature maps at 4x4, 8x8, ...: by base and max where these suffice, else each."""
    most = max(widths)
    for i in reversed(range(len(widths))):
        base = widths[i] * (4 << i)
        if [max(min(base // (4 << k), most), 1) for k in range(len(widths))] == widths:
            return {"base": base, "max": most}
    return {"base": widths[-1] * (2 << len(widths)), "max": most, "each": widths}


def taps_of(kernel: Tensor) -> list[float]:
    """The taps of a FIR filter from its kernel [k] or [k, k], as small whole numbers where possible."""
    taps = (kernel if kernel.ndim == 1 else kernel.sum(0)).double()
    smallest = taps.abs()[taps != 0].min()
    whole = taps / smallest
    if bool((whole - whole.round()).abs().max() < 1e-3):
        return [float(tap) for tap in whole.round()]
    return [float(tap) for tap in taps / taps.sum()]


def _layers(mapped: Mapped, prefix: str) -> int:
    count = sum(name.startswith(f"{prefix}fc") and name.endswith(".weight") for name in mapped)
    if count and f"{prefix}fc{count - 1}.weight" not in mapped:
        raise CheckpointError("has a mapping network with a layer left out")
    return count


def mapping_options(mapped: Mapped, prefix: str = "mapping.") -> tuple[Options, int, int, int]:
    """Options of a mapping network, and z_dim, w_dim, label_dim, from shapes of `fc0 ... fcN` and `embed`."""
    layers = _layers(mapped, prefix)
    embedded, label_dim = mapped[f"{prefix}embed.weight"].shape if f"{prefix}embed.weight" in mapped else (0, 0)
    if layers:
        w_dim = mapped[f"{prefix}fc{layers - 1}.weight"].shape[0]
        width, inputs = mapped[f"{prefix}fc0.weight"].shape
    else:
        width = inputs = w_dim = _shape(mapped, "mapping.w_avg")[0] if prefix + "w_avg" in mapped else embedded
    options: Options = {"layers": layers}
    if layers > 1 and width != w_dim:
        options["features"] = width
    if embedded:
        options["embed_features"] = embedded
    return options, inputs - embedded, w_dim, label_dim


def style_generator(mapped: Mapped, use: str | None = None, **options: Any) -> Network:
    """A style-based generator, its sizes and topology read from the shapes; `options` are added to its entry.

    `mapped` has the names of our `original`, `skip`, `residual` and `progressive`. Raises CheckpointError.
    """
    mapping, z_dim, w_dim, label_dim = mapping_options(mapped)
    mapping |= options.pop("mapping", {})
    sizes = resolutions_of(mapped, "synthesis.")
    last = f"synthesis.b{sizes[-1]}"
    widths = [_shape(mapped, f"synthesis.b{size}.conv1.weight")[0] for size in sizes]
    painted = [size for size in sizes if f"synthesis.b{size}.torgb.weight" in mapped]
    if use is None:
        residual = f"{last}.skip.weight" in mapped
        use = "residual" if residual else "skip" if painted == sizes and len(sizes) > 1 else "original"
    strength = mapped.get(f"{last}.conv1.noise_strength")
    entry: Options = {
        "use": use,
        "normalization": "demod",
        "z_dim": z_dim,
        "w_dim": w_dim,
        "mapping": mapping,
        "channels": channels_of(widths),
        "noise": "none" if strength is None else "channel" if strength.shape else "layer",
        **options,
    }
    image_channels = _shape(mapped, f"{last}.torgb.weight")[0]
    return Network(entry, mapped, Interface(sizes[-1], image_channels, label_dim))


def style_discriminator(mapped: Mapped, use: str | None = None, **options: Any) -> Network:
    """The same for a discriminator that has the names of our `original`, `skip`, `residual` and `progressive`."""
    sizes = resolutions_of(mapped)
    last = f"b{sizes[-1]}"
    last_convolution = "b4.conv.weight" in mapped
    width, inputs = _shape(mapped, "b4.conv.weight")[:2] if last_convolution else _without_convolution(mapped)
    widths = [width, *(_shape(mapped, f"b{size}.conv0.weight")[1] for size in sizes[1:])]
    if use is None:
        entered = all(f"b{size}.fromrgb.weight" in mapped for size in sizes)
        residual = f"{last}.skip.weight" in mapped
        use = "residual" if residual else "skip" if entered and len(sizes) > 1 else "original"
    outputs = _shape(mapped, "b4.out.weight")[0]
    mbstd = {"channels": inputs - width, **options.pop("mbstd", {})}
    entry: Options = {"use": use, "channels": channels_of(widths), "mbstd": mbstd}
    if not last_convolution:
        entry["last_convolution"] = False
    label_dim = 0
    if any(name.startswith("mapping.") for name in mapped):
        mapping, _, cmap_dim, label_dim = mapping_options(mapped)
        entry |= {"mapping": mapping | options.pop("mapping", {}), "cmap_dim": cmap_dim}
    elif "label_dim" in options:
        label_dim = options.pop("label_dim")
    elif outputs > 1:
        label_dim = outputs
        entry["labels"] = "output"
    channels = _shape(mapped, f"{last}.fromrgb.weight")[1]
    return Network(entry | options, mapped, Interface(sizes[-1], channels, label_dim))


def _without_convolution(mapped: Mapped) -> tuple[int, int]:
    """The feature maps that reach 4x4, and those with the minibatch standard deviation, from the dense layer."""
    return _shape(mapped, "b8.conv1.weight")[0], _shape(mapped, "b4.fc.weight")[1] // FIRST_RESOLUTION**2


def _shape(mapped: Mapped, name: str) -> tuple[int, ...]:
    if name not in mapped:
        raise CheckpointError(f"lacks the tensor that becomes {name!r}")
    return mapped[name].shape


def same_interface(snapshot: Snapshot) -> None:
    """Leaves out networks whose images or labels differ from the averaged generator's, with a line in `left`."""
    for name in ("generator", "discriminator"):
        network: Network | None = getattr(snapshot, name)
        if network is not None and network.interface != snapshot.average.interface:
            setattr(snapshot, name, None)
            snapshot.left.append(f"{name}: it was built for {network.interface}, not for {snapshot.average.interface}")
