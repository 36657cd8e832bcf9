"""The state of the page's controls. It comes from a browser, so every value is checked."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gancore.contracts import NoiseMode
from gancore.errors import GancoreError

Seed = Annotated[int, Field(ge=0, lt=2**63)]
Kind = Literal["factorized", "principal"]


class StyleEdit(BaseModel):
    """A step along a direction of the analysis `directions`, in some of the ws.

    kind, number: which direction, counted from 1. amount: steps of length 1 along a factorized direction, of a standard
    deviation along a principal one. first, last: the ws that move.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind = "factorized"
    number: int = Field(1, ge=1)
    amount: float = Field(0.0, ge=-1000, le=1000, allow_inf_nan=False)
    first: int = Field(0, ge=0)
    last: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> "StyleEdit":
        if self.last < self.first:
            raise ValueError(f"the last w, {self.last}, comes before the first, {self.first}")
        return self


class Look(BaseModel):
    """Which picture of a model: that of `gancore sample --seeds SEED`, changed.

    other: a second seed. Its latent counts by the share `blend` in the ws from number `crossover` on; without ws the
    latents themselves are blended, if `crossover` is 0.
    label: the number of a class or of an example of labels; label_vector: the label itself, instead.
    silent: layers without noise. edits: steps along directions, one after another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    seed: Seed = 0
    other: Seed = 1
    crossover: int = Field(0, ge=0)
    blend: float = Field(0.0, ge=0, le=1)
    truncation_psi: float = Field(1.0, ge=-10, le=10)
    label: int = Field(0, ge=0)
    label_vector: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] | None = None
    noise_mode: NoiseMode = "const"
    silent: frozenset[str] = frozenset()
    edits: tuple[StyleEdit, ...] = Field((), max_length=64)


def look_of(values: dict[str, Any]) -> Look:
    """A look from the values of controls. Raises GancoreError that names the first wrong one."""
    try:
        return Look(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise GancoreError(f"{' '.join(map(str, first['loc']))}: {first['msg']}") from error


def vector_of(text: str) -> tuple[float, ...] | None:
    """Numbers with commas or spaces between them; None for none. Raises GancoreError."""
    try:
        return tuple(map(float, text.replace(",", " ").split())) or None
    except ValueError as error:
        raise GancoreError(f"label vector: {error}") from error
