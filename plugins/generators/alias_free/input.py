"""The input of the alias-free generator: Fourier features, moved by the first style.

Source: arXiv:2106.12423 section 3.1 (Fourier features): a map that is defined at every place of the plane, of which
the network sees a part; frequencies that a transformation pushes out of the band are damped.
"""

import math

import torch
from torch import Tensor, nn

from gancore.nn import Linear, Weighted, full_precision


class FourierInput(Weighted):
    """w [N, w_dim] to [N, channels, height, width]; `size` is [width, height] in pixels."""

    freqs: Tensor
    phases: Tensor
    transform: Tensor
    grid: Tensor

    def __init__(
        self, w_dim: int, channels: int, size: tuple[int, int], sampling_rate: float, bandwidth: float
    ) -> None:
        super().__init__()
        self.sampling_rate, self.bandwidth = sampling_rate, bandwidth
        self.add_weight([channels, channels])
        self.affine = Linear(w_dim, 4, bias_init=[1.0, 0.0, 0.0, 0.0])
        nn.init.zeros_(self.affine.weight)
        self.register_buffer("transform", torch.eye(3))  # the user's: of the image's coordinates
        freqs = torch.randn(channels, 2)
        radii = freqs.norm(dim=1, keepdim=True)
        self.register_buffer("freqs", freqs / (radii * radii.square().exp() ** 0.25) * bandwidth)
        self.register_buffer("phases", torch.rand(channels) - 0.5)
        self.register_buffer("grid", _grid(size, sampling_rate), persistent=False)

    def forward(self, w: Tensor) -> Tensor:
        with full_precision(w):
            moved = transformation(self.affine(w)) @ self.transform
            linear, shift = moved[:, :2, :2], moved[:, :2, 2:]
            freqs = self.freqs @ linear  # [N, C, 2]
            phases = self.phases + (self.freqs @ shift)[..., 0]
            waves = torch.einsum("hwx,ncx->nhwc", self.grid, freqs) + phases[:, None, None]
            x = (2 * math.pi * waves).sin() * self._amplitudes(freqs)[:, None, None]
            return (x @ self.effective_weight().T).permute(0, 3, 1, 2)

    def _amplitudes(self, freqs: Tensor) -> Tensor:
        """1 within the band, falling to 0 at half the sampling rate: [N, C]."""
        beyond = (freqs.norm(dim=2) - self.bandwidth) / (self.sampling_rate / 2 - self.bandwidth)
        return (1 - beyond).clamp(0, 1)


def transformation(t: Tensor) -> Tensor:
    """(cos, sin, x, y), of any length in its first two, to a shift by -(x, y) and then a rotation: [N, 3, 3]."""
    c, s, x, y = (t / t[:, :2].norm(dim=1, keepdim=True)).unbind(1)
    one, zero = torch.ones_like(c), torch.zeros_like(c)
    rotation = torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=1).unflatten(1, (3, 3))
    shift = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], dim=1).unflatten(1, (3, 3))
    return rotation @ shift


def _grid(size: tuple[int, int], sampling_rate: float) -> Tensor:
    """Centres of pixels [height, width, (x, y)]; the image reaches from -0.5 to 0.5."""
    x, y = ((torch.arange(n) - (n - 1) / 2) / sampling_rate for n in size)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=2)
