"""StyleGAN2 generators for the networks of stylegan2-ada-pytorch: a state dict and the arguments of the constructor.

A folder with config.json and model.safetensors, which the format `nvidia` reads back:

    G = training.networks.Generator(**json.load(open("config.json")))
    G.load_state_dict(safetensors.torch.load_file("model.safetensors"))

Not a pickle: that project's pickles carry the source of its classes, which has its own terms, and loading one
executes it. Names and arithmetic are those of our networks (arXiv:1912.04958, arXiv:2006.06676); their files have the
filters, too.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from gancore.contracts import Format
from gancore.interop.exporting import Model, check_held, whole_style_biases

ARCHITECTURES = {"original": "orig", "skip": "skip", "residual": "resnet"}
FREE = {
    "z_dim", "w_dim", "channels.base", "channels.max", "noise", "conv_clamp", "resample_filter", "style_bias",
    "mapping.layers", "mapping.lr_multiplier", "mapping.features", "mapping.embed_features", "mapping.w_avg_decay",
}  # fmt: skip
"""Options that the project has as well."""


class StyleGAN2ADAPyTorch(Format):
    """Plugin `stylegan2_ada_pytorch`: the averaged generator."""

    title = "stylegan2-ada-pytorch"
    writes = "stylegan2-ada-pytorch"

    def write(self, model: Model, out: Path) -> None:
        check_held(model, set(ARCHITECTURES), FREE, noise={"layer", "none"})
        state = whole_style_biases(model)
        taps = model.options()["resample_filter"] or [1.0]
        state |= {name: filter_of(taps) for name in _filters(state)}
        out.mkdir()
        (out / "config.json").write_text(json.dumps(arguments_of(model), indent=2) + "\n")
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


def filter_of(taps: list[float]) -> Tensor:
    """The kernel [k, k] of FIR taps, whose sum is 1."""
    row = torch.tensor(taps, dtype=torch.float32)
    kernel = row.outer(row)
    return kernel / kernel.sum()


def _filters(state: dict[str, Tensor]) -> set[str]:
    """The names of filters: in each block, and in its convolutions; painting layers have none."""
    layers = {name.removesuffix(".weight") for name in state if name.endswith((".conv0.weight", ".conv1.weight"))}
    layers |= {name.removesuffix(".weight") for name in state if name.endswith(".skip.weight")}
    return {f"{part}.resample_filter" for layer in layers for part in (layer, layer.rpartition(".")[0])}
