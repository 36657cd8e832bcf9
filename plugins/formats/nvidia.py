"""Snapshots of stylegan2-ada-pytorch and stylegan3, which pickle each network together with the source of its class.

Names and arithmetic are those of our own networks, which follow the same papers (arXiv:1912.04958, arXiv:2006.06676,
arXiv:2106.12423). Options are read from the attributes of the pickled modules: what was set, and what was default then.
The source text is neither executed nor kept.
"""

from typing import Any

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    mapping_options,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign
from gancore.interop.values import Array, Record, entries, state_of, submodules

ARCHITECTURES = {"orig": "original", "skip": "skip", "resnet": "residual"}
DERIVED = ("resample_filter", "up_filter", "down_filter")
"""Filters, which follow from options."""

AUGMENTATIONS = {
    "xflip": "xflip",
    "rotate90": "rotate90",
    "xint": "integer_translation",
    "scale": "scale",
    "rotate": "rotation",
    "aniso": "anisotropic",
    "xfrac": "translation",
    "brightness": "brightness",
    "contrast": "contrast",
    "lumaflip": "luma_flip",
    "hue": "hue",
    "saturation": "saturation",
    "imgfilter": "filter",
    "noise": "noise",
    "cutout": "cutout",
    "xint_max": "integer_translation_max",
    "scale_std": "scale_std",
    "rotate_max": "rotation_max",
    "aniso_std": "anisotropic_std",
    "xfrac_std": "translation_std",
    "brightness_std": "brightness_std",
    "contrast_std": "contrast_std",
    "hue_max": "hue_max",
    "saturation_std": "saturation_std",
    "imgfilter_std": "filter_std",
    "noise_std": "noise_std",
    "cutout_size": "cutout_size",
}
"""Attributes of the published pipe to options of `ada`."""

ALIAS_FREE = {
    "first_cutoff": "first_cutoff",
    "first_stopband": "first_stopband",
    "last_stopband_rel": "last_stopband_rel",
    "conv_kernel": "kernel_size",
    "use_radial_filters": "radial_filters",
    "filter_size": "filter_size",
    "lrelu_upsampling": "lrelu_upsampling",
}
"""Arguments of the published alias-free generator that it keeps as arguments only, to our options."""


class NVIDIA(Format):
    """Plugin `nvidia`: pickles of G, D, G_ema and, where there is augmentation, its pipe."""

    title = "stylegan2-ada-pytorch or stylegan3"
    classes = ("dnnlib.util.EasyDict",)

    def recognises(self, head: Foreign) -> bool:
        network = entries(head.contents).get("G_ema")
        if not isinstance(network, Record) or not network.persistent:
            return False
        return not {"synthesis.b4.const", "synthesis.input.freqs"}.isdisjoint(state_of(network))

    def read(self, file: Foreign) -> Snapshot:
        contents = entries(file.contents)
        snapshot = Snapshot(generator_of(contents["G_ema"]))
        if isinstance(contents.get("G"), Record):
            snapshot.generator = generator_of(contents["G"])
        if isinstance(contents.get("D"), Record):
            snapshot.discriminator = discriminator_of(contents["D"])
        if isinstance(pipe := contents.get("augment_pipe"), Record):
            snapshot.sections["augmentation"] = augmentation_of(pipe)
            if isinstance(p := state_of(pipe).get("p"), Array):
                snapshot.facts["augment_p"] = float(p.tensor())
        return snapshot


def generator_of(record: Record) -> Network:
    """A generator, of StyleGAN2 or StyleGAN3. Raises CheckpointError."""
    names, modules = Names(state_of(record), "the generator"), submodules(record)
    mapped: Mapped = {name: names.take(name) for name in names if not name.endswith(DERIVED)}
    mapping = _mapping(modules, "mapping")
    if "synthesis.input.weight" in names:
        return _alias_free(record, modules, mapped, mapping)
    first = _attributes(modules, "synthesis.b4")
    layer, kernel = _attributes(modules, "synthesis.b4.conv1"), names.array("synthesis.b4.resample_filter")
    _leaky(layer)
    return style_generator(
        mapped,
        _architecture(first),
        mapping=mapping,
        resample_filter=taps_of(kernel.tensor()),
        conv_clamp=_clamp(layer),
    )


def discriminator_of(record: Record) -> Network:
    """A discriminator. Raises CheckpointError."""
    names, modules = Names(state_of(record), "the discriminator"), submodules(record)
    mapped: Mapped = {name: names.take(name) for name in names if not name.endswith(DERIVED)}
    top = f"b{_attributes(modules, '')['img_resolution']}"
    block, layer = _attributes(modules, top), _attributes(modules, f"{top}.conv0")
    _leaky(layer)
    options: Options = {"conv_clamp": _clamp(layer)}
    if f"{top}.resample_filter" in names:
        options["resample_filter"] = taps_of(names.array(f"{top}.resample_filter").tensor())
    if "b4.mbstd" in modules:
        mbstd = _attributes(modules, "b4.mbstd")
        options["mbstd"] = {"group_size": mbstd["group_size"], "channels": mbstd["num_channels"]}
    if "mapping" in modules:
        options["mapping"] = _mapping(modules, "mapping")
    return style_discriminator(mapped, _architecture(block), **options)


def augmentation_of(pipe: Record) -> Options:
    """The augmentation, with the probabilities and magnitudes of the pipe."""
    own = {ours: float(pipe.state[theirs]) for theirs, ours in AUGMENTATIONS.items() if theirs in pipe.state}
    return {"use": "ada", "set": "none", **{name: value for name, value in own.items() if value or "_" in name}}


def _alias_free(record: Record, modules: dict[str, Record], mapped: Mapped, mapping: Options) -> Network:
    synthesis, given = _attributes(modules, "synthesis"), entries(_attributes(modules, "synthesis")["_init_kwargs"])
    first = _attributes(modules, f"synthesis.{synthesis['layer_names'][0]}")
    sizes, z_dim, w_dim, label_dim = mapping_options(mapped)
    options: Options = {
        "use": "alias_free",
        "normalization": "demod",
        "z_dim": z_dim,
        "w_dim": w_dim,
        "mapping": {**sizes, **mapping},
        "channels": {"base": given.get("channel_base", 32768), "max": given.get("channel_max", 512)},
        "layers": synthesis["num_layers"],
        "critical_layers": synthesis["num_critical"],
        "margin": synthesis["margin_size"],
        "output_scale": float(synthesis["output_scale"]),
        "conv_clamp": _clamp(first),
        "magnitude_decay": float(first.get("magnitude_ema_beta", 0.999)),
        **{ours: given[theirs] for theirs, ours in ALIAS_FREE.items() if theirs in given},
    }
    interface = Interface(synthesis["img_resolution"], synthesis["img_channels"], label_dim)
    return Network(options, mapped, interface)


def _mapping(modules: dict[str, Record], name: str) -> Options:
    mapping, layer = _attributes(modules, name), _attributes(modules, f"{name}.fc0")
    _leaky(layer)
    options: Options = {"lr_multiplier": float(layer["bias_gain"])}
    if mapping.get("w_avg_beta") is not None:
        options["w_avg_decay"] = float(mapping["w_avg_beta"])
    return options


def _attributes(modules: dict[str, Record], name: str) -> dict[Any, Any]:
    if name not in modules:
        raise CheckpointError(f"lacks the module {name!r}")
    return modules[name].state


def _architecture(block: dict[Any, Any]) -> str:
    if (name := block.get("architecture")) not in ARCHITECTURES:
        raise CheckpointError(f"has an architecture {str(name)[:40]!r}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def _clamp(layer: dict[Any, Any]) -> float | None:
    clamp = layer.get("conv_clamp")
    return None if clamp is None else float(clamp)


def _leaky(layer: dict[Any, Any]) -> None:
    if (name := layer.get("activation", "lrelu")) != "lrelu":
        raise CheckpointError(f"has the activation {str(name)[:40]!r}, and ours have a leaky ReLU")
