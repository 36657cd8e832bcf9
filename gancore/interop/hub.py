"""Models as folders of the Hugging Face Hub: `HubGenerator.from_pretrained("FOLDER or owner/name")`.

`gancore export RUN --format hub` writes such a folder; `push_to_hub` is the mixin's. Needs the extra `hub`.
"""

from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from torch import Tensor, nn

from gancore.artifacts.model import load
from gancore.artifacts.run import MODEL
from gancore.contracts import Generator, NoiseMode
from gancore.errors import GancoreError


class HubGenerator(nn.Module, PyTorchModelHubMixin):
    """A generator of gancore for the hub's mixin; `generator` is the result of `gancore.load`.

    Plugin files of a run are not executed: a model that needs one is refused.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
    ) -> Tensor:
        """z [N, z_dim] to images [N, C, R, R]; see `gancore.contracts.Generator.forward`."""
        return self.generator(z, label, truncation_psi, truncation_cutoff, noise_mode)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "HubGenerator":
        """Finds the weights in a folder or on the hub; called by the mixin."""
        asked = {"revision", "cache_dir", "force_download", "local_files_only", "token"}
        folder = Path(model_id)
        if not folder.is_dir():
            given = {name: value for name, value in options.items() if name in asked}
            return cls(load(hf_hub_download(model_id, MODEL, **given)))
        return cls(load(folder))

    def _save_pretrained(self, save_directory: Path) -> None:
        raise GancoreError("a generator does not know its experiment; use gancore export MODEL --format hub")
