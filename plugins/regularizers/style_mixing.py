"""Style mixing: some training images take their finer styles from a second latent.

Source: arXiv:1812.04948 (StyleGAN), section 3.1; as in the published code, one cut for the whole batch.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Draw, PluginConfig, Regularizer
from gancore.contracts.types import Network


class StyleMixing(Regularizer):
    """Plugin `style_mixing`: acts wherever training samples are made; it has no penalty."""

    class Config(PluginConfig):
        probability: float = Field(0.9, ge=0, le=1, description="share of batches that are mixed")

    cfg: Config
    side: ClassVar[Network] = "generator"
    requires: ClassVar[dict[str, str]] = {"generator:ws": "styles are mixed between the ws of layers"}

    def mix_ws(self, ws: Tensor, again: Callable[[], Tensor], draw: Draw) -> Tensor:
        num_ws = ws.shape[1]
        if num_ws < 2 or draw.once("style_mixing") >= self.cfg.probability:
            return ws
        cut = 1 + int(draw.once("style_mixing.cut") * (num_ws - 1))  # 1 ... num_ws - 1
        return torch.cat([ws[:, :cut], again()[:, cut:]], dim=1)
