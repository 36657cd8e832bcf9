"""StyleGAN2 for the networks of stylegan2-ada-pytorch: state dicts and the arguments of the constructors.

A folder with config.json and model.safetensors, which the format `nvidia` reads back; in `discriminator` the same two
files of the discriminator, if the model has one:

    G = training.networks.Generator(**json.load(open("config.json")))
    G.load_state_dict(safetensors.torch.load_file("model.safetensors"))

Not a pickle: that project's pickles carry the source of its classes, which has its own terms, and loading one
executes it. Names and arithmetic are those of our networks (arXiv:1912.04958, arXiv:2006.06676); their files have the
filters, too.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from gancore.contracts import Format
from gancore.interop.exporting import Model, check_held, held_discriminator, whole_style_biases

ARCHITECTURES = {"original": "orig", "skip": "skip", "residual": "resnet"}
FREE = {
    "z_dim", "w_dim", "channels.base", "channels.max", "noise", "conv_clamp", "resample_filter", "style_bias",
    "mapping.layers", "mapping.lr_multiplier", "mapping.features", "mapping.embed_features", "mapping.w_avg_decay",
}  # fmt: skip
"""Options of the generator that the project has as well."""

FREE_IN_D = {
    "channels.base", "channels.max", "channels.each", "conv_clamp", "resample_filter", "mbstd.group_size",
    "mbstd.channels", "cmap_dim", "mapping.layers", "mapping.lr_multiplier", "mapping.features",
    "mapping.embed_features",
}  # fmt: skip


class StyleGAN2ADAPyTorch(Format):
    """Plugin `stylegan2_ada_pytorch`: the averaged generator, and the discriminator."""

    title = "stylegan2-ada-pytorch"
    writes = "stylegan2-ada-pytorch"

    def write(self, model: Model, out: Path) -> None:
        check_held(model, set(ARCHITECTURES), FREE, noise={"layer", "none"})
        _write(out, arguments_of(model), whole_style_biases(model), model.options()["resample_filter"])
        discriminator = held_discriminator(model, set(ARCHITECTURES), FREE_IN_D, **{"channels.each": {None}})
        if discriminator is not None:
            taps = model.options("discriminator")["resample_filter"]
            _write(out / "discriminator", arguments_of_discriminator(model), discriminator.state_dict(), taps)


def _write(out: Path, arguments: Mapping[str, Any], state: Mapping[str, Tensor], taps: list[float] | None) -> None:
    out.mkdir()
    (out / "config.json").write_text(json.dumps(arguments, indent=2) + "\n")
    state = {**state, **{name: filter_of(taps or [1.0]) for name in _filters(state)}}
    save_file({name: value.contiguous() for name, value in state.items()}, out / "model.safetensors")


def arguments_of(model: Model) -> dict[str, Any]:
    """The arguments of the project's Generator."""
    options, interface = model.options(), model.generator.interface
    mapping, channels = options["mapping"], options["channels"]
    return {
        "z_dim": options["z_dim"],
        "c_dim": interface.label_dim,
        "w_dim": options["w_dim"],
        "img_resolution": interface.resolution,
        "img_channels": interface.channels,
        "mapping_kwargs": {
            "num_layers": mapping["layers"],
            "embed_features": mapping["embed_features"],
            "layer_features": mapping["features"],
            "lr_multiplier": mapping["lr_multiplier"],
            "w_avg_beta": mapping["w_avg_decay"],
        },
        "synthesis_kwargs": {
            "architecture": ARCHITECTURES[options["use"]],
            "channel_base": channels["base"],
            "channel_max": channels["max"],
            "num_fp16_res": 0,
            "conv_clamp": options["conv_clamp"],
            "resample_filter": options["resample_filter"],
            "use_noise": options["noise"] != "none",
        },
    }


def arguments_of_discriminator(model: Model) -> dict[str, Any]:
    """The arguments of the project's Discriminator."""
    options, interface = model.options("discriminator"), model.generator.interface
    mapping, channels = options["mapping"], options["channels"] or model.options()["channels"]
    return {
        "c_dim": interface.label_dim,
        "img_resolution": interface.resolution,
        "img_channels": interface.channels,
        "architecture": ARCHITECTURES[options["use"]],
        "channel_base": channels["base"],
        "channel_max": channels["max"],
        "num_fp16_res": 0,
        "conv_clamp": options["conv_clamp"],
        "cmap_dim": options["cmap_dim"],
        "block_kwargs": {"resample_filter": options["resample_filter"]},
        "mapping_kwargs": {
            "num_layers": mapping["layers"],
            "embed_features": mapping["embed_features"],
            "layer_features": mapping["features"],
            "lr_multiplier": mapping["lr_multiplier"],
        },
        "epilogue_kwargs": {
            "mbstd_group_size": options["mbstd"]["group_size"],
            "mbstd_num_channels": options["mbstd"]["channels"],
        },
    }


def filter_of(taps: list[float]) -> Tensor:
    """The kernel [k, k] of FIR taps, whose sum is 1."""
    row = torch.tensor(taps, dtype=torch.float32)
    kernel = row.outer(row)
    return kernel / kernel.sum()


def _filters(state: Mapping[str, Tensor]) -> set[str]:
    """The names of filters: in each block, and in its convolutions; of layers for images, in the discriminator's."""
    layers = {name.removesuffix(".weight") for name in state if name.endswith((".conv0.weight", ".conv1.weight"))}
    layers |= {name.removesuffix(".weight") for name in state if name.endswith(".skip.weight")}
    found = {f"{part}.resample_filter" for layer in layers for part in (layer, layer.rpartition(".")[0])}
    entered = {name.removesuffix("weight") for name in state if name.endswith((".fromrgb.weight", "b4.conv.weight"))}
    return found | {f"{layer}resample_filter" for layer in entered}
