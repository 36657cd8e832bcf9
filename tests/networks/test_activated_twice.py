"""`activations: twice`: upsampling layers activate before their blur, too, and gradients of gradients pass through."""

import pytest
import torch
from support.small import experiment_of

from gancore.composition import compose
from gancore.contracts import Interface


@pytest.mark.parametrize("taps", ["[1, 2, 1]", "null"])
def test_gradients_of_gradients(taps: str) -> None:
    """Noise is added in place to what the first activation gave."""
    options = ["activations=twice", "resampling=box", f"resample_filter={taps}", "gain=weight"]
    overrides = [f"generator.{option}" for option in options]
    G = compose(experiment_of("skip", "residual", *overrides), Interface(8, 3)).generator.double()
    for name, p in G.named_parameters():
        if name.endswith("noise_strength"):
            p.data.fill_(0.5)
    direction = torch.randn(1, G.num_ws, G.w_dim, dtype=torch.double)
    ws = torch.randn(1, G.num_ws, G.w_dim, dtype=torch.double, requires_grad=True)

    def slope(at: torch.Tensor) -> torch.Tensor:
        image = G.synthesis(at, noise_mode="const")[-1]
        (gradient,) = torch.autograd.grad(image.sin().sum(), at, create_graph=True)
        return gradient.square().sum()

    (exact,) = torch.autograd.grad(slope(ws), ws)
    near = [slope((ws.detach() + step * direction).requires_grad_()).item() for step in (1e-6, -1e-6)]
    assert (near[0] - near[1]) / 2e-6 == pytest.approx((exact * direction).sum().item(), rel=1e-4)
