"""The loss of each phase: the adversarial loss in main phases, and the penalties of its regularizers."""

import torch
from torch import Tensor

from gancore.composition import GAN
from gancore.training.step.phase_step import PhaseStep
from gancore.training.step.phases import Phase

Losses = dict[str, Tensor]


def phase_losses(phase: Phase, gan: GAN, step: PhaseStep) -> tuple[Losses, Losses]:
    """Terms to sum, and values for the log, as scalars on the device."""
    losses: Losses = {}
    shown: Losses = {}
    if phase.main:
        step.wanted = gan.wanted(gan.loss, *(gan.regularizers[key] for key in phase.regularizers))
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
    main = step.compared(step.generate(), gan.loss.needs_reals_for_g)
    return gan.loss.generator_loss(step, main.fake, main.real).mean()


def _discriminator_loss(gan: GAN, step: PhaseStep) -> tuple[Tensor, Losses]:
    main = step.compared(step.fake, with_reals=True)
    assert main.real is not None, "with_reals"
    real, fake = main.real, main.fake
    if gan.augmentation is not None:
        gan.augmentation.observe(torch.cat([head.detach().flatten() for head in real.logits]))
    loss = gan.loss.discriminator_loss(step, real, fake).mean()
    return loss, {"logits/real": _average(real.logits), "logits/fake": _average(fake.logits)}


def _average(heads: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([head.detach().mean() for head in heads]).mean()
