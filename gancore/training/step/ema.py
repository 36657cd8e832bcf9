"""Moving average of the generator: parameters averaged, buffers copied.

PGGAN and MSG-GAN: one decay for every step. StyleGAN: decay 0.5 ** (batch / halflife), with the half-life in images;
the ramp-up of StyleGAN2-ADA keeps the half-life below a share of the images shown so far.
"""

import copy

import torch
from torch import nn

from gancore.config.sections.training import EMA
from gancore.contracts import Generator, value_at
from gancore.data.labels import LabelRows, random_labels
from gancore.nn.statistics import recomputed_moments
from gancore.training.step.draws import SeededDraw


def ema_decay(cfg: EMA, batch: int, nimg: int) -> float:
    """The decay of one step of `batch` images when `nimg` real images have been shown before it."""
    if cfg.halflife_kimg is None:
        return cfg.decay or 0.0
    halflife = value_at(cfg.halflife_kimg, nimg / 1000) * 1000
    if cfg.rampup is not None:
        halflife = min(halflife, nimg * cfg.rampup)
    return 0.5 ** (batch / max(halflife, 1e-8))


def averaged_copy(generator: Generator) -> Generator:
    """A copy that starts the average: without gradients, in evaluation mode."""
    return copy.deepcopy(generator).requires_grad_(False).eval()


@torch.no_grad()
def recompute_statistics(average: Generator, labels: LabelRows | None, batch: int, seed: int, batches: int = 8) -> None:
    """Batch statistics of the averaged weights, over seeded batches of latents; nothing where there are none.

    `labels` are those of the training images: the statistics are of fakes that have their classes as often.
    """
    device = next(average.parameters()).device
    with recomputed_moments(average) as needed:
        for k in range(batches if needed else 0):
            draw = SeededDraw.whole((seed, "statistics", k), batch, device)
            average.sample(draw, random_labels(labels, draw))


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * network, for parameters; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for mean, buffer in zip(average.buffers(), network.buffers(), strict=True):
        mean.copy_(buffer)
