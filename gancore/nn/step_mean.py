"""The mean of the values of a step, for averages that move once a step, however many microbatches it has.

It stays on the device in tensors of fixed shape, so that nothing waits for the device, and a compiled forward pass has
one graph for the first microbatch and for the others.
"""

import torch
from torch import Tensor, nn

from gancore.contracts import Mean


class StepMean(nn.Module):
    """Sum and number of values [*shape]; not part of a state dict."""

    total: Tensor
    number: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(shape), persistent=False)
        self.register_buffer("number", torch.zeros([]), persistent=False)

    @torch.no_grad()
    def add(self, value: Tensor) -> None:
        self.total.add_(value)
        self.number.add_(1)

    @torch.no_grad()
    def move(self, average: Tensor, weight: float, mean: Mean) -> None:
        """Moves `average`, in place, by `weight` towards the mean over the step and, by `mean`, over processes.

        Then starts a new step. Without values the average stays.
        """
        moved = average.lerp(mean(self.total / self.number).to(average.dtype), weight)
        average.copy_(torch.where(self.number > 0, moved, average))
        self.total.zero_()
        self.number.zero_()
