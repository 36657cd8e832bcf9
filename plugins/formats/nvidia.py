"""Snapshots of stylegan2-ada-pytorch, stylegan3, and of Projected GAN's StyleGAN2.

Each network is pickled together with the source of its class, which is neither executed nor kept.

Names and arithmetic are those of our own networks, which follow the same papers (arXiv:1912.04958, arXiv:2006.06676,
arXiv:2106.12423). Options are read from the attributes of the pickled modules: what was set, and what was default then.
"""

from collections.abc import Mapping
from typing import Any

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    below,
    mapping_options,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.reading import Foreign, read
from gancore.interop.values import Array, Record, entries, state_of, submodules, word

ARCHITECTURES = {"orig": "original", "skip": "skip", "resnet": "residual"}
INPUTS = {"synthesis.b4.const", "synthesis.input.freqs"}
"""Tensors that a generator of StyleGAN2 or of StyleGAN3 has."""

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
    classes = ("dnnlib.util.EasyDict", "pg_modules.*", "timm.*", "torch.nn.*")

    def recognises(self, head: Foreign) -> bool:
        network = entries(head.contents).get("G_ema")
        if isinstance(network, Record):
            return network.persistent and not INPUTS.isdisjoint(state_of(network))
        return "config" in head.keys and not {f"model.{name}" for name in INPUTS}.isdisjoint(head.arrays)

    def read(self, file: Foreign) -> Snapshot:
        contents = entries(file.contents)
        if "config" in file.keys:
            snapshot = Snapshot(generator_of_folder(contents["config"], below(file.arrays, "model.")))
            if (beside := file.path / "discriminator").is_dir():
                folder = read(beside)
                config = entries(folder.contents)["config"]
                snapshot.discriminator = discriminator_of_folder(config, below(folder.arrays, "model."))
            return snapshot
        snapshot = Snapshot(generator_of(contents["G_ema"]))
        if isinstance(contents.get("G"), Record):
            snapshot.generator = generator_of(contents["G"])
        if isinstance(contents.get("D"), Record) and contents["D"].persistent:
            snapshot.discriminator = discriminator_of(contents["D"])
        elif isinstance(contents.get("D"), Record):
            snapshot.left.append(f"discriminator: {contents['D'].name} uses another project's network")
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
        state = _attributes(modules, "synthesis")
        layer = _attributes(modules, f"synthesis.{state['layer_names'][0]}")
        return _alias_free(state, entries(state["_init_kwargs"]), layer, mapped, mapping)
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


def generator_of_folder(config: dict[str, Any], arrays: dict[str, Array]) -> Network:
    """A generator described by its constructor's arguments instead of its attributes. Raises CheckpointError."""
    names = Names(arrays, "the generator")
    mapped: Mapped = {name: names.take(name) for name in names if not name.endswith(DERIVED)}
    ada = "synthesis_kwargs" in config
    given, mapping = {**config, **entries(config.get("synthesis_kwargs"))}, entries(config.get("mapping_kwargs"))
    clamp = given.get("conv_clamp", None if ada else 256)
    options: Options = {
        "mapping": {
            "lr_multiplier": float(mapping.get("lr_multiplier", 0.01)),
            "w_avg_decay": float(mapping.get("w_avg_beta", 0.995 if ada else 0.998)),
        },
        "conv_clamp": None if clamp is None else float(clamp),
    }
    if "synthesis.input.freqs" in names:
        state = {
            "num_layers": given.get("num_layers", 14),
            "num_critical": given.get("num_critical", 2),
            "margin_size": given.get("margin_size", 10),
            "output_scale": given.get("output_scale", 0.25),
            "img_resolution": given.get("img_resolution"),
            "img_channels": given.get("img_channels"),
        }
        layer = {"conv_clamp": clamp, "magnitude_ema_beta": given.get("magnitude_ema_beta", 0.999)}
        return _alias_free(state, given, layer, mapped, options["mapping"])
    if "synthesis.b4.resample_filter" in names:
        options["resample_filter"] = taps_of(names.array("synthesis.b4.resample_filter").tensor())
    return style_generator(mapped, _architecture({"architecture": given.get("architecture", "skip")}), **options)


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


def discriminator_of_folder(config: dict[str, Any], arrays: dict[str, Array]) -> Network:
    """A discriminator described by its constructor's arguments. Raises CheckpointError."""
    names = Names(arrays, "the discriminator")
    mapped: Mapped = {name: names.take(name) for name in names if not name.endswith(DERIVED)}
    mapping, last = entries(config.get("mapping_kwargs")), entries(config.get("epilogue_kwargs"))
    options: Options = {"conv_clamp": None if (clamp := config.get("conv_clamp")) is None else float(clamp)}
    options["mbstd"] = {"group_size": last.get("mbstd_group_size", 4)}
    if config.get("c_dim"):
        options["mapping"] = {"lr_multiplier": float(mapping.get("lr_multiplier", 0.01))}
    top = f"b{config.get('img_resolution')}.resample_filter"
    if top in names:
        options["resample_filter"] = taps_of(names.array(top).tensor())
    return style_discriminator(mapped, _architecture({"architecture": config.get("architecture", "resnet")}), **options)


def augmentation_of(pipe: Record) -> Options:
    """The augmentation, with the probabilities and magnitudes of the pipe."""
    own = {ours: float(pipe.state[theirs]) for theirs, ours in AUGMENTATIONS.items() if theirs in pipe.state}
    return {"use": "ada", "set": "none", **{name: value for name, value in own.items() if value or "_" in name}}


def _alias_free(
    synthesis: Mapping[Any, Any], given: Mapping[Any, Any], first: dict[Any, Any], mapped: Mapped, mapping: Options
) -> Network:
    """From attributes of the synthesis network, the arguments it was made with, and attributes of its first layer."""
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
        raise CheckpointError(f"has an architecture {word(name)!r}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def _clamp(layer: dict[Any, Any]) -> float | None:
    clamp = layer.get("conv_clamp")
    return None if clamp is None else float(clamp)


def _leaky(layer: dict[Any, Any]) -> None:
    if (name := layer.get("activation", "lrelu")) != "lrelu":
        raise CheckpointError(f"has the activation {word(name)!r}; gancore's networks use a leaky ReLU here")
