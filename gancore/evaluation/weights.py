"""Weights of feature networks: finds, downloads and reads them without executing code."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gancore.errors import GancoreError
from gancore.nn.pretrained import package as package
from gancore.nn.pretrained import state_hash as state_hash


class MissingWeights(GancoreError):
    """Weights are unavailable. missing: which ones, and where they were expected; instead: what to use without them."""

    def __init__(self, missing: str, instead: str = "") -> None:
        super().__init__("; ".join(filter(None, [missing, instead])))
        self.missing = missing


@dataclass(frozen=True)
class WeightsFile:
    """A published file of weights.

    name: its name in PyTorch's folder of downloads.
    url: of its publication.
    variable: the environment variable for a local copy; empty for none.
    option: the option for a local copy.
    instead: what to use without it.
    """

    name: str
    url: str
    option: str
    variable: str = ""
    instead: str = ""

    @property
    def kept(self) -> Path:
        """The place of a download."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.name

    def find(self, given: str | None) -> Path:
        """The file: `given`, that of the environment variable, an earlier download, or a new one.

        Raises GancoreError that names all these places if it is unavailable.
        """
        named = given or (os.environ.get(self.variable) if self.variable else None)
        if named:
            path = Path(named).expanduser()
            if not path.is_file():
                who = self.option if given else self.variable
                raise GancoreError(f"{path}: no such file of weights (named by {who})")
            return path
        if not self.kept.is_file():
            self._download()
        return self.kept

    def _download(self) -> None:
        try:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(self.url, str(self.kept), progress=False)
        except Exception as cause:  # no network, a proxy, a full disk, ...
            raise MissingWeights(self._missing(cause), self.instead and f"without it, {self.instead}") from cause

    def _missing(self, cause: Exception) -> str:
        places = " or ".join(filter(None, [self.variable and f"the environment variable {self.variable}", self.option]))
        return (
            f"the weights {self.name} are not at {self.kept} and cannot be downloaded from {self.url} ({cause}); "
            f"put the file there, or name a copy by {places}"
        )


VGG16 = WeightsFile(
    name="vgg16-397923af.pth",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    option="the option `weights` of the feature plugin",
    instead="`features: inception` or `embedded` can be used (numbers carry that name)",
)
"""torchvision's VGG16, trained on ImageNet; two feature plugins use it."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file; refuses one that contains code. Raises GancoreError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as cause:
        raise GancoreError(f"{path}: {cause.strerror or cause}") from cause
    except Exception as cause:  # the reader may raise anything for another kind of file
        raise GancoreError(f"{path}: not a file of weights (of tensors and nothing else), or damaged") from cause
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise GancoreError(f"{path}: not a state dict of tensors")
    return dict(state)


def expect(state: Mapping[str, Tensor], name: str, network: str) -> None:
    """Raises GancoreError unless the state has the tensor that identifies a network's weights."""
    if name not in state:
        raise GancoreError(f"these are not weights of {network}: there is no {name!r} in the file")
