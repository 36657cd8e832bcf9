"""The `analyses:` section: a list of slots (gancore.config.slots) with these keys beside the options of each."""

from typing import Annotated

from pydantic import Field

from gancore.options import PluginConfig


class AnalysisKeys(PluginConfig):
    """Keys of an analysis beside its own options."""

    count: int | None = Field(None, ge=2, le=1_000_000, description="samples (default: that of the analysis)")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), strict=False, min_length=1, description="of latents, labels and noise; several: mean and spread"
    )
