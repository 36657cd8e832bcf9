"""Feature plugins whose network is one published file of weights: its place and its hash."""

from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from gancore.contracts import Feature, PluginConfig
from gancore.evaluation.weights import WeightsFile, expect, read_weights, state_hash


class FromFile(Feature):
    """The base of such plugins; a subclass builds its network from `self.state()` in `prepare`.

    published: the file.
    network, tensor: whose weights they are, and the tensor by which one sees that they are.
    standard: state_hash of the published weights; empty where it is not known.
    """

    published: ClassVar[WeightsFile]
    network: ClassVar[str]
    tensor: ClassVar[str]
    standard: ClassVar[str] = ""

    class Config(PluginConfig):
        weights: str | None = Field(None, description="file of weights (default: the published one, downloaded once)")

    @cached_property
    def path(self) -> Path:
        return self.published.find(self.cfg.weights)

    def state(self) -> dict[str, Tensor]:
        """The tensors of the file. Raises GancoreError if they are unavailable, or those of another network."""
        state = read_weights(self.path)
        expect(state, self.tensor, self.network)
        return state

    @cached_property
    def _hash(self) -> str:
        return state_hash(self.state())

    @property
    def variant(self) -> str:
        """The beginning of the weights' hash, unless they are the published ones."""
        is_standard = self._hash == self.standard if self.standard else not self.cfg.weights
        return "" if is_standard else self._hash[:8]

    def check(self) -> None:
        self.weights_hash()

    def weights_hash(self) -> str:
        return self._hash
