"""One image on a GPU: its scale goes into the weight. The same maths, and only there."""

import pytest
import torch
from support.small import load, normalizations

from gancore.contracts import Normalization, Site
from gancore.nn import normalized
from gancore.nn.kernels.resampled_conv import same_conv2d, upsampling_conv2d

SITE = Site("b8.conv1", 8, 0, 1, 6, 5, "generator", True)


def layer(name: str, n: int, up: bool) -> list[torch.Tensor]:
    """Output, and gradients of image, weight and style, of `n` images in float64."""
    plugin = load("normalization", name)
    normalization = plugin(plugin.Config(), SITE).double()
    torch.manual_seed(0)
    shapes = [(n, 6, 8, 8), (5, 6, 3, 3), (n, normalization.style_size)]
    x, weight, s = (torch.randn(*shape, dtype=torch.float64).requires_grad_() for shape in shapes)
    f = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8

    scaled_x, scaled_weight, out_scale = normalized.scaled_input(x, weight, s, normalization)
    y = upsampling_conv2d(scaled_x, scaled_weight, f=f) if up else same_conv2d(scaled_x, scaled_weight)
    y = normalized.scaled(y, out_scale(y))
    return [y, *torch.autograd.grad(y.square().sum(), [x, weight, s], materialize_grads=True)]


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("name", normalizations(Normalization))
def test_is_the_same(name: str, up: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    scaled = layer(name, 1, up)
    monkeypatch.setattr(normalized, "one_weight_pays", lambda x, weight: len(x) == 1)
    torch.testing.assert_close(layer(name, 1, up), scaled, rtol=1e-12, atol=1e-12)


def test_is_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the weight of the first image, the second one comes out as another."""
    scaled = layer("demod", 2, False)[0]
    monkeypatch.setattr(normalized, "one_weight_pays", lambda x, weight: True)
    first, second = layer("demod", 2, False)[0]
    torch.testing.assert_close(first, scaled[0])
    assert not torch.allclose(second, scaled[1])


def test_only_for_one_image_of_a_gpu_that_is_larger_than_its_weight() -> None:
    class OnGPU(torch.Tensor):
        is_cuda = True

    def pays(cls: type[torch.Tensor], n: int, pixels: int) -> bool:
        return normalized.one_weight_pays(cls(n, 6, pixels, pixels), torch.zeros(5, 6, 3, 3))

    assert pays(OnGPU, 1, 8)
    assert not pays(OnGPU, 1, 4)
    assert not pays(OnGPU, 2, 8)
    assert not pays(torch.Tensor, 1, 8)
