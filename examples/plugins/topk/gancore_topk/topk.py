"""Top-k training: G learns from the generated images that D finds best.

Source: arXiv:2002.06224, algorithm 1 and section 3: k falls from the batch to a share of it.
Differs: k follows a schedule over kimg, where the paper multiplies it by gamma every epoch.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from gancore.contracts import Judged, Loss, PluginConfig, Scheduled, Step, value_at, within


class TopK(Loss):
    """Plugin `topk`: the non-saturating logistic loss, G's over the k largest logits of each head.

    With microbatches or several processes, k are taken of each part of the batch.
    """

    class Config(PluginConfig):
        share: Annotated[Scheduled, within(gt=0, le=1)] = Field(0.5, description="k as a share of the batch")

    cfg: Config

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator_loss(self, step: Step, fake: Judged, real: Judged | None) -> Tensor:
        share = value_at(self.cfg.share, step.kimg)
        return torch.stack([softplus(-best(logits, share)).mean() for logits in fake.logits]).sum()


def best(logits: Tensor, share: float) -> Tensor:
    """The largest [k, ...] of logits [N, ...]: whole samples, by the mean of a map; k is rounded down, at least 1."""
    k = max(int(share * len(logits)), 1)
    return logits[logits.flatten(1).mean(1).topk(k).indices] if logits.ndim > 1 else logits.topk(k).values
