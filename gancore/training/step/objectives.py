"""What each phase minimises: the adversarial loss in main phases, and the penalties of its regularizers."""

from collections.abc import Iterable

import torch
from torch import Tensor

from gancore.composition import GAN
from gancore.training.step.phase_step import PhaseStep
from gancore.training.step.phases import Phase

Losses = dict[str, Tensor]


def phase_losses(phase: Phase, gan: GAN, step: PhaseStep) -> tuple[Losses, Losses]:
    """Terms to be summed, and values only worth logging, as scalars on the device."""
    losses: Losses = {}
    shown: Losses = {}
    if phase.main and phase.network == "generator":
        terms = [_generator_loss(gan, step) for _ in range(phase.g_batches)]
        losses["loss/G"] = torch.stack(terms).mean() if len(terms) > 1 else terms[0]
    elif phase.main:
        losses["loss/D"], shown = _discriminator_loss(gan, step)
    for key in phase.regularizers:
        if (penalty := gan.regularizers[key].penalty(step)) is not None:
            losses[f"loss/{key}"] = penalty.mean()
    return losses, shown


def _generator_loss(gan: GAN, step: PhaseStep) -> Tensor:
    fake = step.generate()
    if gan.loss.needs_reals_for_g:
        real_heads, fake_heads = step.discriminate_pair(fake)
        return _sum_of_means(gan.loss.g(f, r) for r, f in zip(real_heads, fake_heads, strict=True))
    return _sum_of_means(gan.loss.g(logits) for logits in step.discriminate(fake.images, fake.label))


def _discriminator_loss(gan: GAN, step: PhaseStep) -> tuple[Tensor, Losses]:
    real_heads, fake_heads = step.discriminate_pair(step.fake)
    if gan.augmentation is not None:
        gan.augmentation.observe(torch.cat([head.detach().flatten() for head in real_heads]))
    loss = _sum_of_means(gan.loss.d(r, f) for r, f in zip(real_heads, fake_heads, strict=True))
    shown = {"logits/real": _average(real_heads), "logits/fake": _average(fake_heads)}
    return loss, shown


def _sum_of_means(heads: Iterable[Tensor]) -> Tensor:
    """Losses average within a head and add up over heads."""
    return torch.stack([head.mean() for head in heads]).sum()


def _average(heads: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([head.detach().mean() for head in heads]).mean()
