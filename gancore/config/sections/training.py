"""The `training:` section: settings of the loop. Every number that may change over time is a schedule."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gancore.config.sections.growth import GrowthConfig
from gancore.options import Later, PluginConfig, Scheduled, within

Kimg = Annotated[float, Field(ge=0.001, le=1e9)]
"""A length or period in kimg: at least one image."""


class EMA(PluginConfig):
    """Moving average of the generator: decay 0.5 ** (batch / (halflife_kimg * 1000)), or `decay` in every step."""

    halflife_kimg: Annotated[Scheduled, within(ge=0)] | None = Field(
        10.0, description="kimg to fade to half; 0: no averaging; null with `decay`"
    )
    rampup: float | None = Field(None, gt=0, description="half-life at most this share of the images shown so far")
    decay: Later[float | None] = Field(
        None, ge=0, lt=1, description="of every step, instead of a half-life (PGGAN: 0.999)"
    )

    @model_validator(mode="before")
    @classmethod
    def _decay_needs_no_halflife(cls, data: Any) -> Any:
        """A decay replaces the default half-life, but not one that was set."""
        return {"halflife_kimg": None, **data} if isinstance(data, dict) and data.get("decay") is not None else data

    @model_validator(mode="after")
    def _one_of_them(self) -> "EMA":
        if self.decay is None and self.halflife_kimg is None:
            raise ValueError("there must be a halflife_kimg (0: no averaging) or a decay")
        for name in ("halflife_kimg", "rampup"):
            if self.decay is not None and getattr(self, name) is not None:
                raise ValueError(f"decay and {name} exclude each other; set one of them to null")
        return self


class Divergence(PluginConfig):
    """What to do when a loss or gradient is not finite."""

    action: Literal["stop", "rollback"] = Field("stop", description="give up, or go back to the last checkpoint")
    rollbacks: int = Field(3, ge=1, description="rollbacks before giving up, each with other random numbers")


class TrainingConfig(PluginConfig):
    """How to train. kimg counts thousands of real images shown to the discriminator in its main steps."""

    kimg: Kimg = Field(1000, description="length of the run, thousands of real images")
    batch: int = Field(32, ge=1, le=65536, description="images per step, over all processes and microbatches")
    microbatch: int | None = Field(None, ge=1, description="images at a time per process, when memory is short")
    seed: int = Field(0, ge=0, description="of all random numbers: initial weights, order of images, latents")
    order: Literal["g_first", "d_first"] = Field("g_first", description="which network is trained first in a step")
    d_steps: int = Field(1, ge=1, le=1024, description="discriminator steps per generator step")
    g_batches: Later[int] = Field(1, ge=1, le=64, description="batches of samples that a generator step averages over")
    optimizer: Any = Field({}, description="of both networks")
    generator_optimizer: Any = Field(None, description="keys in which the generator's differs")
    discriminator_optimizer: Any = Field(None, description="keys in which the discriminator's differs")
    ema: EMA = EMA()
    growth: Later[GrowthConfig | None] = Field(None, description="progressive growing; null: all layers from the start")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto: cuda, else mps, else cpu")
    precision: Literal["fp32", "bf16", "fp16"] = Field("fp32", description="of convolutions, by autocast")
    half_from: Later[int | None] = Field(
        None, ge=4, description="resolution from which bf16 or fp16 holds, float32 below; null: everywhere"
    )
    tf32: Later[bool | None] = Field(None, description="TF32 products on CUDA for float32; null: torch's setting")
    recompute: Later[int | None] = Field(
        None, ge=4, description="resolution from which activations are recomputed instead of saved"
    )
    compile: Later[Literal["auto", "on", "off"]] = Field(
        "off", description="torch.compile in first-order phases; auto: where it was measured to be faster"
    )
    cuda_graphs: Later[bool] = Field(False, description="compiled networks run as CUDA graphs")
    deterministic: Later[bool] = Field(
        False, description="on CUDA only kernels that repeat their bits, where there are any"
    )
    draws: Later[Literal["host", "device"]] = Field(
        "host", description="where latents and noise are drawn; device: for GPUs, whose host is too slow at it"
    )
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; changes bits, so it is part of a run")
    on_divergence: Divergence = Divergence()
    log_kimg: Kimg = Field(0.5, description="kimg from one log line to the next")
    sample_kimg: Kimg = Field(10, description="kimg from one grid of samples to the next")
    checkpoint_kimg: Kimg = Field(10, description="kimg from one checkpoint to the next")
    keep_checkpoints: int = Field(2, ge=1, description="number of newest checkpoints to keep")
    keep_samples: Later[int | None] = Field(
        None, ge=2, description="grids of samples to keep, spread evenly over the run, and always the newest; null: all"
    )

    @model_validator(mode="after")
    def _microbatch_divides(self) -> "TrainingConfig":
        table = self.growth.batch if self.growth else {}
        for batch, where in [(self.batch, ""), *((batch, f" of growth.batch.{r}") for r, batch in table.items())]:
            if self.microbatch is not None and not self.divides(self.microbatch, batch):
                smaller = " or be larger" if self.growth else ""
                raise ValueError(f"microbatch {self.microbatch} must divide batch {batch}{where}{smaller}")
        return self

    @model_validator(mode="after")
    def _half_is_asked_for(self) -> "TrainingConfig":
        if self.half_from is not None and self.precision == "fp32":
            raise ValueError("half_from needs precision: bf16 or fp16; with fp32 nothing is in half precision")
        return self

    @model_validator(mode="after")
    def _graphs_are_of_compiled_networks(self) -> "TrainingConfig":
        if self.cuda_graphs and self.compile == "off":
            raise ValueError("cuda_graphs: true needs compile: on or auto; graphs are those of compiled networks")
        return self

    def divides(self, microbatch: int, batch: int) -> bool:
        """Whether microbatches divide a batch; while growing, small batches may stay whole."""
        return batch % microbatch == 0 or (self.growth is not None and batch < microbatch)

    def batch_at(self, resolution: int) -> int:
        """Images per step while training at this resolution."""
        return self.growth.batch.get(resolution, self.batch) if self.growth else self.batch

    def grown(self, resolution: int) -> "TrainingConfig":
        """The training at this resolution, the last one, where its steps cost most."""
        return self.model_copy(update={"growth": None, "batch": self.batch_at(resolution)})

    def batches(self, resolution: int) -> set[int]:
        """All batch sizes of a training up to this resolution."""
        passed = self.growth.resolutions(resolution) if self.growth else [resolution]
        return {self.batch_at(each) for each in passed}
