"""Weights follow their gradients, by the rate that the engine sets."""

from collections.abc import Iterator

import torch
from torch import nn

from gancore.testing.family import check
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject


@check("optimizer")
def weights_follow_their_gradients(subject: Subject) -> Iterator[Finding]:
    """Ten steps down a parabola, and one at rate 0."""
    p = nn.Parameter(torch.linspace(1, 2, 4))
    before = float(p.detach().square().sum())
    made = subject.made()
    optimizer = made.build([{"params": [p], "lr_factor": 1.0}])

    def step(lr: float) -> None:
        p.grad = 2 * p.detach()
        for group in optimizer.param_groups:
            group.update(made.settings(0.0, lr, 1.0))
        optimizer.step()

    for _ in range(10):
        step(0.01)
    after = float(p.detach().square().sum())
    got = f"{after:.3g} after ten steps"
    yield holds(after < before, "step", f"a sum of squares below {before:.3g}", got, "gradients point to larger losses")
    kept = p.detach().clone()
    step(0.0)
    moved = float((p.detach() - kept).abs().max())
    yield holds(moved == 0, "settings", "no change at lr 0", f"{moved:.3g}", "schedules of the rate would be ignored")
