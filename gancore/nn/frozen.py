"""A pretrained network that is never trained."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gancore.errors import RunError
from gancore.nn.precision import for_library
from gancore.nn.pretrained import state_hash


class Frozen(nn.Module):
    """Holds a network without making it a submodule: always in evaluation mode, no parameters to train.

    Gradients pass through it to its input. It is in no optimizer, average or weight normalization. A checkpoint has
    the hash of its weights instead of them; one that was written with other weights is refused (RunError).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._held = [network.requires_grad_(False).eval()]  # in a list: not a submodule
        on_meta = any(value.is_meta for value in network.state_dict().values())
        self._hash = "" if on_meta else state_hash(network.state_dict())

    def forward(self, x: Tensor) -> Any:
        with for_library(x):
            return self._held[0](x)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Frozen":
        """Follows the surrounding network to its device and dtype."""
        self._held[0]._apply(fn, recurse)
        super()._apply(fn, recurse)
        return self

    def get_extra_state(self) -> Tensor:
        return torch.tensor(list(bytes.fromhex(self._hash)), dtype=torch.uint8, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        if (saved := bytes(state.tolist()).hex()) != self._hash:
            raise RunError(
                f"this was trained with other frozen weights (sha256 {saved[:12]}) than those that are there now "
                f"({self._hash[:12]}); name the file of the former"
            )
