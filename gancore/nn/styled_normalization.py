"""Normalizations that take a style, or are half of one: they need a network whose layers have styles."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from gancore.contracts import Context, Normalization


class StyledNormalization(Normalization):
    """A normalization for styled layers only; refused elsewhere before anything is built."""

    requires: ClassVar[Mapping[str, str]] = {"generator:styles": "it acts together with the style of a layer"}

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        if context.network == "discriminator":
            yield "it needs layers with a style, and a discriminator has none; use none, instance, pixel or batch"
