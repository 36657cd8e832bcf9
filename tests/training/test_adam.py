"""Adam without PyTorch's optimizer classes: its bits, and its skipping (test_compile.py: no compiler)."""

import torch
from torch import nn

from gancore_plugins.optimizers.adam import FusedAdam


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    a = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(6, 2))
    b = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(6, 2))
    b.load_state_dict(a.state_dict())
    return a, b


def test_bits_of_torch_optim() -> None:
    ours, theirs = networks()
    groups = [{"params": list(m.parameters()), "lr": 0.1, "betas": (0.3, 0.9), "lr_factor": 1.0} for m in ours]
    adam = FusedAdam(groups, eps=1e-8, weight_decay=0.01)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.1, betas=(0.3, 0.9), eps=1e-8, weight_decay=0.01, fused=True)
    draws = torch.Generator().manual_seed(1)
    for skip in (0.0, 0.0, 1.0, 0.0):
        adam.found_inf = reference.found_inf = torch.tensor(skip)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            p.grad = torch.randn(p.shape, generator=draws)
            q.grad = p.grad.clone()
        before = [p.clone() for p in ours.parameters()]
        adam.step()
        reference.step()
        for p, q, old in zip(ours.parameters(), theirs.parameters(), before, strict=True):
            assert torch.equal(p, q)
            assert torch.equal(p, old) == bool(skip)
            for key, value in reference.state[q].items():
                assert torch.equal(adam.state[p][key], value), key


def test_a_parameter_without_gradient_stays_as_it_is() -> None:
    ours, _ = networks()
    weight, bias = ours[1].weight, ours[1].bias
    adam = FusedAdam([{"params": [weight, bias], "lr": 0.1, "betas": (0.0, 0.9)}], eps=1e-8, weight_decay=0.1)
    weight.grad, before = torch.ones_like(weight), bias.clone()
    adam.step()
    assert torch.equal(bias, before)
    assert bias not in adam.state
