"""What the generators of BigGAN share (arXiv:1809.11096): z beside one embedding of the label for all layers."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field
from torch import nn

from gancore.contracts import Context, Interface, Normalize
from gancore.nn.families.preactivation import AttentionSizes, BlockActivation, attention_problems, start_orthogonal
from gancore.nn.latent import LatentGenerator, LatentOptions, SharedEmbedding
from gancore.nn.sites import FIRST_RESOLUTION, resolution_problems


class BigGANOptions(LatentOptions):
    """Options of both generators."""

    shared_dim: int = Field(128, ge=1, le=65536, description="size of the embedding of the label")
    attention: AttentionSizes = ()
    activation: BlockActivation = "relu"


class BigGANGenerator(LatentGenerator):
    """The base of generators whose ws are [N, 1, z_dim + embedded], and whose weights start orthogonal."""

    mapping: SharedEmbedding

    def __init__(
        self, cfg: BigGANOptions, interface: Interface, normalize: Normalize, latents: int | None = None
    ) -> None:
        super().__init__(cfg, interface, normalize, latents)
        self.embedded = cfg.shared_dim if interface.label_dim else 0
        self.w_dim = self.z_dim + self.embedded
        self.mapping = SharedEmbedding(interface.label_dim, self.embedded)

    def start(self) -> None:
        """Makes all weights orthogonal, the embedding's last. To be called when the synthesis is complete."""
        start_orthogonal(self)
        if self.mapping.embedding is not None:
            nn.init.orthogonal_(self.mapping.embedding)

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        least, resolution = 2 * FIRST_RESOLUTION, context.interface.resolution
        yield from resolution_problems(resolution, least)
        yield from attention_problems(cfg.attention, least, resolution)
