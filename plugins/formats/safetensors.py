"""gancore's own model file: tensors and the whole experiment, in the safetensors format."""

from pathlib import Path

from gancore.contracts import Format
from gancore.interop.exporting import Model


class SafeTensors(Format):
    """Plugin `safetensors`: one file that `gancore.load` takes, out of a run folder or another model file."""

    title = "gancore"
    writes = "model.safetensors"

    def write(self, model: Model, out: Path) -> None:
        model.save(out)
