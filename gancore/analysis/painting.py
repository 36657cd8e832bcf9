"""From latents to images, as analyses do it."""

from torch import Tensor

from gancore.contracts import Draw, Generator, NoiseMode


def paint(generator: Generator, ws: Tensor, draw: Draw | None = None, noise_mode: NoiseMode = "const") -> Tensor:
    """Images [N, C, R, R] of ws [N, num_ws, w_dim]; those of a generator that is still growing are enlarged."""
    return generator.enlarged(generator.synthesis(ws, noise_mode=noise_mode, stage=generator.stage, draw=draw)[-1])
