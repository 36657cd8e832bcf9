"""InfoGAN: a network Q reads the first numbers of z from generated images; G learns to let it.

Source: arXiv:1606.03657, equation 5 with a factored Gaussian Q, whose variance is learned.
Differs: the codes are N(0, 1), numbers of z like all others. Q and G learn from the bound, D does not.
"""

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import PluginConfig, Regularizer, Step
from gancore.contracts.types import Network
from gancore.nn import FIRST_RESOLUTION, ChannelsConfig, InheritedChannels


class InfoGAN(Regularizer):
    """Plugin `infogan`: -weight * log Q(c | G(z)), where c are the first `codes` numbers of z.

    Q is a dense layer on the mean over pixels of D's last features, [N, C, 4, 4] in the networks of the StyleGAN2
    family.
    """

    class Config(PluginConfig):
        weight: float = Field(1.0, ge=0, description="weight of the bound (paper: lambda)")
        codes: int = Field(2, ge=1, description="numbers of z that Q reads")
        channels: InheritedChannels = None

    cfg: Config
    side: ClassVar[Network] = "generator"
    second_order = False
    requires: ClassVar = {"discriminator:features": "Q reads them"}

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.Q = nn.Linear((cfg.channels or ChannelsConfig()).at(FIRST_RESOLUTION), 2 * cfg.codes)

    def penalty(self, step: Step) -> Tensor:
        main = step.main
        features = main.fake.outputs["features"][-1].mean(dim=(2, 3))
        mean, log_variance = self.Q(features).chunk(2, dim=1)
        return self.cfg.weight * negative_log_likelihood(main.fakes.z[:, : self.cfg.codes], mean, log_variance.exp())


def negative_log_likelihood(c: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """-log N(c; mean, variance) [N] of codes [N, K], in nats; 1e-6 keeps it finite."""
    log_scale = 0.5 * torch.log(2 * math.pi * variance + 1e-6)
    return (log_scale + (c - mean).square() / (2 * variance + 1e-6)).sum(dim=1)
