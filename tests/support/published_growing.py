"""Our growing networks from the constructor arguments of published PyTorch ports of PGGAN and StyleGAN.

Every argument of a golden sidecar is translated; one that is not known is an error. The ports number their layers
from the 4x4 one on (generators) or from the finest on (discriminators), keep fused kernels in their own layout, and
take `lod`, the levels of detail that are missing, where we take a stage.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from support.golden_cases import Case
from support.published import Kwargs
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Discriminator, Generator, Interface, Normalization, Normalize, PluginConfig, Site, Stage
from gancore_plugins.discriminators.progressive import Progressive as ProgressiveD
from gancore_plugins.generators.progressive import Progressive as ProgressiveG
from gancore_plugins.generators.stack import Stack
from gancore_plugins.normalization.none import NoNormalization

FUSED_FROM = 128
"""`fused_scale` "auto": fused kernels from this resolution on."""

BOX = {"gain": "weight", "resampling": "box"}
V1 = BOX | {"resample_filter": [1, 2, 1]}
STYLE = V1 | {"noise": "channel", "const": "ones", "const_layer": True, "torgb_modulated": False}


class Watched:
    """What a normalization was given and what came of it, of every layer by name; `wants` is its class."""

    def __init__(self, wants: type[Normalization]) -> None:
        self.wants, self.seen = wants, dict[str, Tensor]()

    def __call__(self, site: Site) -> Normalization:
        seen, wants = self.seen, self.wants

        class Watching(wants):  # type: ignore[misc, valid-type]
            def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
                seen[self.site.name] = y
                return super().statistic(y, parts)

        return Watching(wants.Config(), site)


def stage_of(lod: float, resolution: int) -> Stage:
    """lod 1.3 of 32x32: 16x16 images, the newest block at 0.7."""
    return Stage(resolution >> math.floor(lod), 1.0 - (lod - math.floor(lod)))


def at_full_size(image: Tensor, resolution: int) -> Tensor:
    """The ports repeat the pixels of small images up to the full resolution."""
    return F.interpolate(image, resolution, mode="nearest")


def at_stage(image: Tensor, stage: Stage) -> Tensor:
    """The ports average full images down by themselves."""
    return F.avg_pool2d(image, image.shape[2] // stage.resolution)


def common(given: Kwargs) -> dict[str, Any]:
    return {"channels": {"base": given.take("fmaps_base", 16384), "max": given.take("fmaps_max", 512)}}


def interface(given: Kwargs) -> Interface:
    return Interface(given.take("resolution"), given.take("image_channels", 3), given.take("label_dim", 0))


def pggan_generator(kwargs: dict[str, Any], normalize: Normalize) -> Generator:
    given = Kwargs(kwargs)
    io, output = interface(given), "tanh" if given.take("final_tanh", False) else "linear"
    given.take("fused_scale")
    cfg = Stack.Config(**common(given), **BOX, z_dim=given.take("z_dim", 512), output=output)
    given.done()
    return Stack(cfg, io, normalize)


def stylegan_generator(kwargs: dict[str, Any], normalize: Normalize) -> Generator:
    given = Kwargs(kwargs)
    io = interface(given)
    given.take("fused_scale")
    z_dim = given.take("z_dim", 512)
    mapping = {
        "layers": given.take("mapping_layers", 8),
        "features": given.take("mapping_fmaps", 512),
        "embed_features": given.take("embedding_dim", 512) if io.label_dim else None,
        "labels": "together",
    }
    cfg = ProgressiveG.Config(**common(given), **STYLE, z_dim=z_dim, w_dim=given.take("w_dim", 512), mapping=mapping)
    given.done()
    return ProgressiveG(cfg, io, normalize)


def discriminator(case: Case) -> Discriminator:
    """PGGAN's gives class logits beside the score, [N, 1 + label_dim]; ours gives one of them for a label."""
    published = case.sidecar["constructor"]
    given = Kwargs(published["kwargs"])
    blurred = published["cls"] == "StyleGANDiscriminator"
    io = interface(given)
    if not blurred and io.label_dim:
        io = Interface(io.resolution, io.channels, 1 + io.label_dim)
    fused = given.take("fused_scale", False)
    assert blurred or fused in (True, False), "PGGAN's blocks are all fused, or none"
    mbstd = {
        "group_size": given.take("mbstd_groups", 4 if blurred else 16),
        "channels": given.take("mbstd_channels", 1),
    }
    halving = "convolution" if blurred or fused else "average"
    resample = V1 if blurred else BOX | {"resample_filter": None, "halving": halving}
    cfg = ProgressiveD.Config(**common(given), **resample, mbstd=mbstd, labels="output")
    given.done()
    return ProgressiveD(cfg, io, lambda site: NoNormalization(PluginConfig(), site))


def load(module: nn.Module, case: Case, dtype: torch.dtype) -> Any:
    """The module in `dtype` with the published state, under our names and in our layout."""
    published = case.sidecar["constructor"]
    renamed = {
        "PGGANGenerator": _of_pggan_generator,
        "StyleGANGenerator": _of_stylegan_generator,
        "PGGANDiscriminator": _of_discriminator,
        "StyleGANDiscriminator": _of_discriminator,
    }[published["cls"]]
    state = case.under("D." if "Discriminator" in published["cls"] else "G.", dtype)
    kept = {name: tensor for name, tensor in state.items() if name.split(".")[-1] not in ("lod", "filter")}
    module.to(dtype).load_state_dict(dict(renamed(kept, published["kwargs"])))
    return module


State = dict[str, Tensor]


def _of_pggan_generator(state: State, kwargs: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in state.items():
        layer, leaf = name.split(".")
        block, place = _generator_layer(layer)
        if name == "layer0.weight":  # a convolution of one pixel with padding, which turns its kernel
            tensor = tensor.flip(2, 3)
        elif leaf == "weight" and place == "conv0" and _is_fused(kwargs, block, False):
            tensor = tensor.transpose(0, 1).flip(2, 3)  # likewise
        yield f"synthesis.b{block}.{place}.{leaf}", tensor


def _of_stylegan_generator(state: State, kwargs: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in state.items():
        network, *rest = name.split(".")
        if network == "w_avg":
            yield "mapping.w_avg", tensor
        elif network == "mapping":
            yield ("mapping.embed.weight", tensor.T) if rest == ["embedding"] else _mapping_layer(rest, tensor)
        else:
            yield _synthesis_layer(rest[0], ".".join(rest[1:]), tensor, kwargs)


def _mapping_layer(rest: list[str], tensor: Tensor) -> tuple[str, Tensor]:
    return f"mapping.{rest[0].replace('dense', 'fc')}.{rest[1]}", tensor


def _synthesis_layer(layer: str, leaf: str, tensor: Tensor, kwargs: dict[str, Any]) -> tuple[str, Tensor]:
    block, place = _generator_layer(layer)
    at = f"synthesis.b{block}.{'const_layer' if layer == 'layer0' else place}"
    match leaf:
        case "const":
            return "synthesis.b4.const", tensor[0]
        case "noise":
            return f"{at}.noise_const", tensor[0, 0]
        case "noise_strength":
            return f"{at}.noise_strength", tensor.flatten()
        case "style.weight":
            return f"{at}.affine.weight", tensor
        case "style.bias":  # theirs is added to 1 where it scales
            scale, shift = tensor.chunk(2)
            return f"{at}.affine.bias", torch.cat([scale + 1, shift])
        case "weight" if place == "conv0" and _is_fused(kwargs, block, "auto"):
            return f"{at}.weight", tensor.flip(2, 3)
    return f"{at}.{leaf}", tensor


def _of_discriminator(state: State, kwargs: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    levels = int(math.log2(kwargs["resolution"])) - 2
    for name, tensor in state.items():
        layer, leaf = name.split(".")
        kind, number = layer.rstrip("0123456789"), int(layer.lstrip("inputlayero") or 0)
        if kind == "input":
            yield f"b{kwargs['resolution'] >> number}.fromrgb.{leaf}", tensor
        elif kind == "output" or number >= 2 * levels:
            yield f"b4.{'out' if kind == 'output' else ('conv', 'fc')[number - 2 * levels]}.{leaf}", tensor
        else:
            yield f"b{kwargs['resolution'] >> number // 2}.conv{number % 2}.{leaf}", tensor


def _generator_layer(layer: str) -> tuple[int, str]:
    """layer5: (16, "conv1"); output1: (8, "torgb")."""
    if layer.startswith("output"):
        return 4 << int(layer.removeprefix("output")), "torgb"
    number = int(layer.removeprefix("layer"))
    return 4 << number // 2, f"conv{number % 2}"


def _is_fused(kwargs: dict[str, Any], resolution: int, default: bool | str) -> bool:
    fused = kwargs.get("fused_scale", default)
    return resolution > 4 and (resolution >= FUSED_FROM if fused == "auto" else bool(fused))
