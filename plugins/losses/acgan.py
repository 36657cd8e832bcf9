"""ACGAN's loss: D names the class of an image beside telling real from generated, and G makes images of their class.

Source: arXiv:1610.09585, equations 2 and 3: D maximizes L_S + L_C and G maximizes L_C - L_S, where L_C is the
log-likelihood of the class of real and of generated images.
Differs: L_S of G is the non-saturating one; `fakes: false` leaves generated images out of D's L_C, as other published
code does (golden s04).
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from gancore.contracts import Context, Judged, Loss, PluginConfig, Scheduled, Step, value_at, within


class ACGAN(Loss):
    """Plugin `acgan`: the non-saturating logistic loss + weight * cross entropy of the class, in nats."""

    class Config(PluginConfig):
        weight: Annotated[Scheduled, within(ge=0)] = Field(1.0, description="weight of the cross entropy")
        fakes: bool = Field(True, description="whether D learns the classes of generated images, too")

    cfg: Config
    requires: ClassVar = {"discriminator:class_logits": "D names the class of an image"}

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(-fake)

    def discriminator_loss(self, step: Step, real: Judged, fake: Judged) -> Tensor:
        adversarial = super().discriminator_loss(step, real, fake)
        classes = class_loss(real) + class_loss(fake) if self.cfg.fakes else class_loss(real)
        return adversarial + value_at(self.cfg.weight, step.kimg) * classes

    def generator_loss(self, step: Step, fake: Judged, real: Judged | None) -> Tensor:
        adversarial = super().generator_loss(step, fake, real)
        return adversarial + value_at(self.cfg.weight, step.kimg) * class_loss(fake)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        if not context.interface.label_dim:
            yield "'acgan' needs classes; write `data.labels: true`"


def class_loss(judged: Judged) -> Tensor:
    """The mean cross entropy of the classes, a scalar; several classifiers add up."""
    assert judged.label is not None, "problems() asks for labels"
    losses = [cross_entropy(logits, judged.label) for logits in judged.outputs["class_logits"]]
    return sum(losses[1:], losses[0])
