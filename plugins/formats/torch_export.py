"""torch.export: the whole generator as one program of torch's operations, which runs without gancore.

`torch.export.load("model.pt2").module()(z=z, truncation_psi=psi, label=label)` returns images; the batch is free, and
`label` is there for conditional models only.
"""

from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field

from gancore.contracts import Format, PluginConfig
from gancore.interop.exporting import Model
from gancore.interop.programs import GeneratorProgram, example


class TorchExport(Format):
    """Plugin `torch_export`: a .pt2 file."""

    title = "torch.export"
    writes = "model.pt2"

    class Config(PluginConfig):
        """Options of writing."""

        noise_mode: Literal["const", "none"] = Field("const", description="the stored noise of each layer, or none")
        truncation_cutoff: int | None = Field(None, ge=0, description="slots of ws that are truncated; null: all")

    def write(self, model: Model, out: Path) -> None:
        inputs, batch = example(model.generator), torch.export.Dim("N", min=1)
        sizes: dict[str, Any] = {name: {0: batch} if value.ndim else {} for name, value in inputs.items()}
        program = GeneratorProgram(model.generator, self.cfg.truncation_cutoff, self.cfg.noise_mode).eval()
        with out.open("wb") as file:
            torch.export.save(torch.export.export(program, (), inputs, dynamic_shapes=sizes), file)
