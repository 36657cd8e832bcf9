"""Checks a plugin once it is built, without running it: whether it has what its contract requires."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args

from torch import nn

from gancore.contracts import Augmentation, Generator, Loss, Regularizer, Synthesis
from gancore.contracts.types import Network

GENERATOR = {
    "mapping": "a module that takes z [N, z_dim] to ws [N, num_ws, w_dim]",
    "synthesis": "a module that takes ws [N, num_ws, w_dim] to images",
    "z_dim": "the size of a latent z",
    "w_dim": "the size of a style w",
    "num_ws": "how many styles a sample has",
}
"""Attributes that the __init__ of a generator sets."""


def flaws(built: Any) -> Iterator[str]:
    """Messages about what is missing or wrong; empty if all is well."""
    if not hasattr(built, "cfg") or (isinstance(built, nn.Module) and "_modules" not in vars(built)):
        yield "its __init__ has to call super().__init__(...)"
    elif isinstance(built, Generator):
        yield from _of_generator(built)
    elif isinstance(built, Regularizer):
        yield from _of_regularizer(built)
    elif isinstance(built, Augmentation | Loss) and built.trained_with not in get_args(Network):
        yield f"trained_with is {built.trained_with!r}, and should be {' or '.join(map(repr, get_args(Network)))}"


def _of_generator(built: Generator) -> Iterator[str]:
    for name, meaning in GENERATOR.items():
        value = getattr(built, name, None)
        if value is None:
            yield f"self.{name} is missing, {meaning}"
        elif name in ("z_dim", "w_dim", "num_ws") and not _is_count(value):
            yield f"self.{name} is {value!r}, and should be a whole number from 1, {meaning}"
    if isinstance(synthesis := getattr(built, "synthesis", None), nn.Module):
        yield from _of_synthesis(synthesis)


def _of_synthesis(synthesis: nn.Module) -> Iterator[str]:
    """A Synthesis takes a Pass, a module without that base its fields; the signature of the other would be misread."""
    taken = inspect.signature(synthesis.forward).parameters
    by_fields = "noise_mode" in taken or any(p.kind is p.VAR_KEYWORD for p in taken.values())
    if isinstance(synthesis, Synthesis) and "noise_mode" in taken:
        yield "self.synthesis is a Synthesis, whose forward takes (ws, how: Pass); noise_mode is a field of `how`"
    elif not isinstance(synthesis, Synthesis) and not by_fields:
        yield "self.synthesis should be a gancore.contracts.Synthesis, or its forward take noise_mode, stage and draw"


def _of_regularizer(built: Regularizer) -> Iterator[str]:
    if (side := getattr(built, "side", None)) not in get_args(Network):
        what = "missing" if side is None else repr(side)
        yield f"side is {what}, and should be {' or '.join(map(repr, get_args(Network)))}"
    if not _is_count(built.interval):
        yield f"interval is {built.interval!r}, and should be a whole number of steps from 1"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
