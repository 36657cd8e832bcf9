"""ONNX: two programs for other runtimes, with a free batch and truncation as an input.

mapping.onnx takes z [N, z_dim], truncation_psi [] and, for conditional models, label [N, label_dim] to ws
[N, num_ws, w_dim]; synthesis.onnx takes ws to image [N, C, R, R] in nominal [-1, 1].
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Format, PluginConfig
from gancore.errors import CheckpointError
from gancore.interop.exporting import Model
from gancore.interop.programs import MappingProgram, SynthesisProgram, example


class ONNX(Format):
    """Plugin `onnx`: mapping.onnx and synthesis.onnx in a folder."""

    title = "ONNX"
    writes = "onnx"

    class Config(PluginConfig):
        """Options of writing."""

        noise_mode: Literal["const", "none"] = Field("const", description="the stored noise of each layer, or none")
        truncation_cutoff: int | None = Field(None, ge=0, description="slots of ws that are truncated; null: all")

    def write(self, model: Model, out: Path) -> None:
        G, inputs = model.generator, example(model.generator)
        ws = torch.zeros(2, G.num_ws, G.w_dim)
        out.mkdir()
        _save(MappingProgram(G, self.cfg.truncation_cutoff), inputs, "ws", out / "mapping.onnx")
        _save(SynthesisProgram(G, self.cfg.noise_mode), {"ws": ws}, "image", out / "synthesis.onnx")


def _save(program: nn.Module, inputs: dict[str, Tensor], output: str, path: Path) -> None:
    batch = torch.export.Dim("N", min=1)
    sizes: dict[str, Any] = {name: {0: batch} if value.ndim else {} for name, value in inputs.items()}
    try:
        with _quiet():
            torch.onnx.export(
                program.eval(),
                kwargs=inputs,
                f=path,
                input_names=list(inputs),
                output_names=[output],
                dynamic_shapes=sizes,
                dynamo=True,
                verbose=False,
                external_data=False,
            )
    except ImportError as error:
        raise CheckpointError(f"ONNX needs {error.name}: pip install 'gancore[onnx]'") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter logs messages for its own developers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
