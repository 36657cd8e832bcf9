"""StyleGAN2 as a textbook would write it, to measure against: the same numbers, by the straightforward operations.

Activations are NCHW; modulation scales the input and demodulation comes from explicit weights per sample
[N, O, I, k, k]; resampling inserts zeros, filters, and drops pixels; gains follow the activations. The networks take
their parameters from ours (skip generator, residual discriminator), so both can be compared. AdaIN and PIN stand
for the other normalizations: a statistic behind the activation, then scale and shift from the style.
"""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.configuration import Subject
from benchmarks.iteration import Iteration
from gancore.composition import compose
from gancore.contracts import Discriminator, Generator

Layer = Any
"""A module of our networks, whose parameters are read by name."""


def resample(x: Tensor, f: Tensor, up: int = 1, down: int = 1, pads: tuple[int, int] = (0, 0)) -> Tensor:
    """Zero insertion, padding, filtering with gain up^2, decimation."""
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), [0, up - 1, 0, 0, 0, up - 1]).reshape(n, c, h * up, w * up)
    x = F.pad(x, [*pads, *pads])
    x = F.conv2d(x, (f * up**2).to(x.dtype).flip(0, 1).expand(c, 1, -1, -1), groups=c)
    return x[:, :, ::down, ::down]


def lrelu(x: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu(x + bias.view([1, -1] + [1] * (x.ndim - 2)), 0.2) * math.sqrt(2)


def dense(layer: Layer, x: Tensor, lr_multiplier: float = 1.0) -> Tensor:
    return F.linear(x, layer.weight * (lr_multiplier / math.sqrt(x.shape[1])), layer.bias * lr_multiplier)


class TextbookGenerator(nn.Module):
    """[N, z_dim] to [N, C, H, W]."""

    f: Tensor

    def __init__(self, G: Generator) -> None:
        super().__init__()
        self.net: Layer = copy.deepcopy(G)
        self.lr_multiplier = G.cfg.mapping.lr_multiplier
        self.register_buffer("f", torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64)

    def mapping(self, z: Tensor) -> Tensor:
        x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for i in range(self.net.cfg.mapping.layers):
            layer = getattr(self.net.mapping, f"fc{i}")
            x = F.leaky_relu(dense(layer, x, self.lr_multiplier), 0.2) * math.sqrt(2)
        return x[:, None].repeat(1, self.net.num_ws, 1)

    def synthesis(self, ws: Tensor, noise_mode: str = "random") -> Tensor:
        first, *others = (getattr(self.net.synthesis, f"b{r}") for r in self.net.synthesis.resolutions)
        x = self.layer(first.conv1, first.const[None].repeat(len(ws), 1, 1, 1), ws[:, 0], noise_mode)
        image = self.torgb(first.torgb, x, ws[:, 1])
        for i, block in enumerate(others, 1):
            x = self.layer(block.conv0, x, ws[:, 2 * i - 1], noise_mode, up=True)
            x = self.layer(block.conv1, x, ws[:, 2 * i], noise_mode)
            image = resample(image, self.f, up=2, pads=(2, 1)) + self.torgb(block.torgb, x, ws[:, 2 * i + 1])
        return image

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.mapping(z))

    def layer(self, layer: Layer, x: Tensor, w: Tensor, noise_mode: str, up: bool = False) -> Tensor:
        styles = dense(layer.affine, w)
        if styles.shape[1] != x.shape[1]:
            return self.normalized_layer(layer, x, styles, noise_mode, up)
        weights = layer.weight[None] * styles[:, None, :, None, None]  # [N, O, I, k, k]
        scale = (weights.square().sum([2, 3, 4]) + 1e-8).rsqrt()
        x = self.convolved(x * styles[:, :, None, None], layer.weight, up) * scale[:, :, None, None]
        return self.activated(layer, x, noise_mode)

    def normalized_layer(self, layer: Layer, x: Tensor, styles: Tensor, noise_mode: str, up: bool) -> Tensor:
        """Convolution, noise, bias, activation, statistic, style."""
        x = self.convolved(x, layer.weight / math.sqrt(layer.weight[0].numel()), up)
        x = self.activated(layer, x, noise_mode)
        centred = x - x.mean((2, 3), keepdim=True)
        instance = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-8).sqrt()
        if (share := getattr(layer.normalization, "share", None)) is not None:
            pixel = x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()
            rho = share.rho[:, None, None]
            instance = rho * pixel + (1 - rho) * instance
        scale, shift = styles[:, :, None, None].chunk(2, dim=1)
        return scale * instance + shift

    def convolved(self, x: Tensor, weight: Tensor, up: bool) -> Tensor:
        if not up:
            return F.conv2d(x, weight, padding=1)
        return resample(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), self.f * 4, pads=(1, 1))

    def activated(self, layer: Layer, x: Tensor, noise_mode: str) -> Tensor:
        noise = layer.noise_const if noise_mode == "const" else torch.randn_like(x[:, :1])
        return lrelu(x + noise * layer.noise_strength, layer.bias)

    def torgb(self, layer: Layer, x: Tensor, w: Tensor) -> Tensor:
        styles = dense(layer.affine, w) / math.sqrt(x.shape[1])
        return F.conv2d(x * styles[:, :, None, None], layer.weight) + layer.bias[None, :, None, None]


class TextbookDiscriminator(nn.Module):
    """[N, C, H, W] to logits [N]."""

    f: Tensor

    def __init__(self, D: Discriminator) -> None:
        super().__init__()
        self.net: Layer = copy.deepcopy(D)
        self.register_buffer("f", torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64)

    def forward(self, x: Tensor) -> Tensor:
        *resolutions, last = self.net.resolutions
        top = getattr(self.net, f"b{resolutions[0]}").fromrgb
        x = lrelu(self.conv(top, x), top.bias)
        for resolution in resolutions:
            block = getattr(self.net, f"b{resolution}")
            skip = self.conv(block.skip, resample(x, self.f, down=2, pads=(1, 1)))
            x = lrelu(self.conv(block.conv0, x, padding=1), block.conv0.bias)
            x = lrelu(self.conv(block.conv1, resample(x, self.f, pads=(2, 2)), stride=2), block.conv1.bias)
            x = (x + skip) * math.sqrt(0.5)
        end = getattr(self.net, f"b{last}")
        x = lrelu(self.conv(end.conv, self.with_std(x), padding=1), end.conv.bias)
        x = F.leaky_relu(dense(end.fc, x.flatten(1)), 0.2) * math.sqrt(2)
        return dense(end.out, x)[:, 0]

    def conv(self, layer: Layer, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        return F.conv2d(x, layer.weight / math.sqrt(layer.weight[0].numel()), stride=stride, padding=padding)

    def with_std(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        group = min(self.net.cfg.mbstd.group_size, n)
        y = x.reshape(group, n // group, *x.shape[1:])
        y = (y - y.mean(0)).square().mean(0)
        y = (y + 1e-8).sqrt().mean([1, 2, 3])
        return torch.cat([x, y.repeat(group)[:, None, None, None].expand(n, 1, h, w)], 1)


class Textbook(Iteration):
    """The textbook networks in plain phases."""

    def mapped(self, z: Tensor) -> Tensor:
        ws: Tensor = self.G.mapping(z)
        return ws

    def images(self, ws: Tensor) -> Tensor:
        images: Tensor = self.G.synthesis(ws)
        return images

    def logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.D(images)
        return logits


def textbook_iteration(subject: Subject) -> Iteration:
    """In float32, from the same first weights; raises ValueError where it has no networks for an experiment."""
    experiment = subject.experiment()
    normalization = experiment.generator.normalization.use
    if subject.yaml is not None or normalization not in ("demod", "adain", "pin"):
        raise ValueError("the textbook path has a configuration of its own, with demod, adain or pin")
    gan = compose(experiment, subject.interface(experiment))
    G, D = TextbookGenerator(gan.generator), TextbookDiscriminator(gan.discriminator)
    return Textbook(G, D, subject.resolution)
