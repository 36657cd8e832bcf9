"""DCGAN: its layers, how they begin, order of calls, batch statistics, sums of latents."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.fakes import FakeDraw
from support.presets import assert_constants, composed, numbers, shrunk, small, trainer_of
from torch import Tensor
from torch.nn import functional as F

from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.nn.layers import Conv2d

CONSTANTS = {  # authors' code for faces
    "data.resolution": 64,
    "generator.z_dim": 100,
    "generator.latent": "uniform",
    "generator.kernel": 5,
    "generator.init_std": 0.02,
    "generator.normalization.use": "batch",
    "discriminator.kernel": 5,
    "discriminator.init_std": 0.02,
    "discriminator.normalization.use": "batch",
    "discriminator.channels": {"base": 4096, "max": 1024, "each": None},
    "training.batch": 128,
    "training.optimizer.lr": 2e-4,
    "training.optimizer.betas": [0.5, 0.999],
    "training.optimizer.weight_decay": 1e-5,
}


def test_constants() -> None:
    assert_constants("dcgan", CONSTANTS)


def test_dcgan_has_the_layers_of_the_authors_code() -> None:
    """Maps 1024, 512, 256, 128 from 4x4 on, mirrored in D; no bias but that of batch norm."""
    with torch.device("meta"):
        gan = composed("dcgan")
    inner = 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert numbers(gan.generator) == 100 * 1024 * 16 + inner + 2 * (1024 + 512 + 256 + 128)
    assert numbers(gan.discriminator) == inner + 1024 * 16 + 2 * (256 + 512 + 1024)


def test_dcgan_begins_as_the_paper_says() -> None:
    for network in small("dcgan").modules().values():
        for name, p in network.named_parameters():
            if name.endswith("bias"):
                assert not p.any(), name
            else:
                mean = 1.0 if name.endswith("gain") else 0.0
                assert (p - mean).abs().max() < 0.12, name
    weights = composed("dcgan", 16).discriminator
    assert weights.b16.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert weights.b8.normalization.gain.std().item() == pytest.approx(0.02, rel=0.1)


def recorded(layer: Conv2d, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what a layer does, in the order of doing it."""
    calls: list[str] = []

    def logged(name: str, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def wrapper(*args: Any, **kwargs: Any) -> Tensor:
            calls.append(name)
            return call(*args, **kwargs)

        return wrapper

    convolve = type(layer).convolve.fget
    monkeypatch.setattr(
        Conv2d,
        "convolve",
        property(lambda each: logged("convolution", convolve(each)) if each is layer else convolve(each)),
    )
    monkeypatch.setattr(layer, "activation", Logged(layer.activation, calls))
    if layer.normalization is not None:
        monkeypatch.setattr(layer.normalization, "statistic", logged("statistic", layer.normalization.statistic))
    return calls


class Logged:
    """An activation that notes that it was called."""

    def __init__(self, inner: Any, calls: list[str]) -> None:
        self.inner, self.calls = inner, calls

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        self.calls.append("activation")
        return self.inner(*args, **kwargs)


@pytest.mark.parametrize(("network", "layer"), [("generator", "synthesis.b8"), ("discriminator", "b8")])
def test_dcgan_normalizes_between_convolution_and_activation(
    network: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gan = small("dcgan")
    calls = recorded(getattr(gan, network).get_submodule(layer), monkeypatch)
    gan.discriminator((gan.generator.train()(torch.randn(4, 8)),))
    assert calls == ["convolution", "statistic", "activation"]


@pytest.mark.parametrize("kernel", [4, 5])
def test_dcgan_layers_are_torch_layers(kernel: int) -> None:
    """Stride 2, leaky ReLU 0.2, ReLU, batch norm with gain and bias; at the ends no norm and no bias."""
    cfg = shrunk("dcgan").to_dict()
    cfg["generator"]["kernel"] = cfg["discriminator"]["kernel"] = kernel
    gan = compose(load_experiment(cfg), Interface(16, 3))
    G, D = gan.generator, gan.discriminator
    image, z = torch.randn(4, 3, 16, 16), torch.randn(4, 8)

    def normed(x: Tensor, normalization: Any, bias: Tensor) -> Tensor:
        with torch.no_grad():
            normalization.gain.normal_()
            bias.normal_()
        return F.batch_norm(x, None, None, normalization.gain, bias, training=True)

    def down(x: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, [(kernel - 1) // 2, (kernel - 2) // 2] * 2), weight, stride=2)

    x = F.leaky_relu(down(image, D.b16.weight), 0.2)
    x = F.leaky_relu(normed(down(x, D.b8.weight), D.b8.normalization, D.b8.bias), 0.2)
    assert torch.allclose(D((image,))[0], (x.flatten(1) @ D.out.weight.T)[:, 0], atol=1e-4)

    b4, b8, b16 = G.synthesis.b4, G.synthesis.b8, G.synthesis.b16
    x = (z @ b4.linear.weight.T).unflatten(1, (-1, 4, 4))
    x = F.relu(normed(x, b4.tail.normalization, b4.tail.bias))

    def up(x: Tensor, weight: Tensor) -> Tensor:
        """The transposed convolution, cropped to twice the size."""
        full, width = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 2 * x.shape[2]
        return full[:, :, 1 : 1 + width, 1 : 1 + width]

    x = F.relu(normed(up(x, b8.weight), b8.normalization, b8.bias))
    assert torch.allclose(G.train()(z), torch.tanh(up(x, b16.weight)), atol=1e-4)


def test_dcgan_keeps_reals_and_fakes_apart() -> None:
    D = small("dcgan").discriminator
    real, fake = torch.randn(4, 3, 16, 16), 3 * torch.randn(4, 3, 16, 16) + 1
    apart = torch.cat([D((real,))[0], D((fake,))[0]])
    both = torch.cat([real, fake])
    assert torch.allclose(D((both,), parts=2)[0], apart, atol=1e-5)
    assert not torch.allclose(D((both,))[0], apart, atol=1e-3)


def test_dcgan_latents_can_be_added() -> None:
    """Radford et al., section 6.3.2: mean(A) - mean(B) + mean(C), and its neighbours within 0.25."""
    G = small("dcgan").generator.eval()
    z = G.sample_z(FakeDraw(9))
    assert z.min() >= -1
    assert z.max() <= 1
    assert z.std().item() == pytest.approx(1 / 3**0.5, rel=0.2)
    a, b, c = z.unflatten(0, (3, 3)).mean(1)
    y = (a - b + c).repeat(9, 1)
    y[1:] += torch.empty(8, G.z_dim).uniform_(-0.25, 0.25)
    images = G(y)
    assert torch.equal(images, G(y))
    assert images.abs().max() <= 1
    near, far = (images[1:] - images[:1]).abs().mean(), (G(z) - images[:1]).abs().mean()
    assert near < far


def test_statistics_of_the_averaged_generator_are_those_of_its_own_weights() -> None:
    trainer = trainer_of("dcgan", "training.ema.halflife_kimg=1")
    for _ in range(2):
        trainer.step()
    moments = "synthesis.b8.normalization.inner.moments.running_mean"
    followed = trainer.gan.generator.get_buffer(moments).clone()
    first = trainer.averaged().get_buffer(moments).clone()
    assert not torch.allclose(first, followed, atol=1e-6)
    assert torch.equal(trainer.averaged().get_buffer(moments), first)
