"""Other implementations, imported from a checkout that the user has; nothing of them is part of this repository.

A peer's networks run in plain phases (iteration.py) in a process of its own, so that their top-level module names
(`training`, `model`, `op`) meet nobody.
"""

import ast
import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from torch import Tensor, nn
from torch.torch_version import TorchVersion

from benchmarks.configuration import CHANNEL_BASE, WIDTH
from benchmarks.iteration import Iteration

CHANNELS = {"channel_base": CHANNEL_BASE, "channel_max": WIDTH, "num_fp16_res": 0}


class Official(Iteration):
    """StyleGAN2 of NVIDIA's repositories."""

    def mapped(self, z: Tensor) -> Tensor:
        ws: Tensor = self.G.mapping(z, None)
        return ws

    def images(self, ws: Tensor) -> Tensor:
        images: Tensor = self.G.synthesis(ws)
        return images

    def logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.D(images, None)[:, 0]
        return logits


class Rosinality(Iteration):
    """StyleGAN2 of rosinality/stylegan2-pytorch; its discriminator has a group of 4 for minibatch stddev too."""

    def mapped(self, z: Tensor) -> Tensor:
        w: Tensor = self.G.style(z)
        return w[:, None].repeat(1, self.G.n_latent, 1)

    def images(self, ws: Tensor) -> Tensor:
        images: Tensor = self.G([ws], input_is_latent=True)[0]
        return images

    def logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.D(images)[:, 0]
        return logits


def config_f(kind: str, path: Path, resolution: int, half: bool) -> tuple[nn.Module, nn.Module]:
    """G and D of StyleGAN2's configuration F, by NVIDIA; half: float16 in the four finest resolutions."""
    networks = _imported(path, FILES[kind].removesuffix(".py").replace("/", "."))
    sizes: dict[str, Any] = {"c_dim": 0, "img_resolution": resolution, "img_channels": 3}
    channels = {
        "channel_base": 32768,
        "channel_max": 512,
        "num_fp16_res": 4 * half,
        "conv_clamp": 256 if half else None,
    }
    layers = {"num_layers": 8, "lr_multiplier": 0.01}
    G = networks.Generator(512, w_dim=512, mapping_kwargs=layers, synthesis_kwargs=channels, **sizes)
    D = networks.Discriminator(**sizes, **channels, epilogue_kwargs={"mbstd_group_size": 4})
    return G, D


def stylegan2_ada_pytorch(path: Path, resolution: int) -> Iteration:
    networks = _imported(path, "training.networks")
    sizes: dict[str, Any] = {"c_dim": 0, "img_resolution": resolution, "img_channels": 3}
    layers = {"num_layers": 2}
    G = networks.Generator(WIDTH, w_dim=WIDTH, mapping_kwargs=layers, synthesis_kwargs=CHANNELS, **sizes)
    return Official(G, networks.Discriminator(**sizes, **CHANNELS), resolution)


def stylegan3(path: Path, resolution: int) -> Iteration:
    networks = _imported(path, "training.networks_stylegan2")
    sizes: dict[str, Any] = {"c_dim": 0, "img_resolution": resolution, "img_channels": 3}
    as_trained = {"mapping_kwargs": {"num_layers": 2}, "fused_modconv_default": "inference_only"}
    G = networks.Generator(WIDTH, w_dim=WIDTH, **as_trained, **sizes, **CHANNELS)
    return Official(G, networks.Discriminator(**sizes, **CHANNELS), resolution)


def rosinality(path: Path, resolution: int) -> Iteration:
    """Its channels are numbers in the code, which are replaced; its CUDA kernels are not built."""
    sys.path.insert(0, str(path))
    tree = _Channels().visit(ast.parse((path / "model.py").read_text(encoding="utf-8")))
    module = types.ModuleType("model")
    with mock.patch("torch.utils.cpp_extension.load"):
        exec(compile(ast.fix_missing_locations(tree), "model.py", "exec"), module.__dict__)
    return Rosinality(module.Generator(resolution, WIDTH, 2), module.Discriminator(resolution), resolution)


PEERS: dict[str, Callable[[Path, int], Iteration]] = {
    "stylegan2-ada-pytorch": stylegan2_ada_pytorch,
    "stylegan3": stylegan3,
    "rosinality": rosinality,
}


FILES = {
    "stylegan2-ada-pytorch": "training/networks.py",
    "stylegan3": "training/networks_stylegan2.py",
    "rosinality": "model.py",
}
"""By which a checkout is known."""


_STAND_INS: dict[str, dict[str, Any]] = {
    "requests": {},  # peers download by it
    "pkg_resources": {"parse_version": TorchVersion},  # peers compare versions of torch; setuptools 81 dropped it
}


def _imported(path: Path, module: str) -> Any:
    """A module of a checkout. Of two modules that it imports, stand-ins will do where they are missing."""
    missing = {name: types.ModuleType(name) for name in _STAND_INS if importlib.util.find_spec(name) is None}
    for name, stand_in in missing.items():
        vars(stand_in).update(_STAND_INS[name])
    sys.path.insert(0, str(path))
    sys.modules.update(missing)
    try:
        return importlib.import_module(module)
    finally:
        for name in missing:  # what looks for them later finds none
            del sys.modules[name]


class _Channels(ast.NodeTransformer):
    """{4: 512, 8: 512, ...} becomes the channels that are measured."""

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, int)]
        if len(keys) == len(node.keys) and keys:
            node.values = [ast.Constant(min(CHANNEL_BASE // key, WIDTH)) for key in keys]
        return node
