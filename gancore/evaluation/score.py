"""A number with everything one must know to trust it and to compare it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """One result of one metric.

    name: what was measured, with the features where they are not the standard ones: `fid[embedded]`.
    spread: standard deviation over repeats, or the metric's own (subsets, splits); None without either.
    protocol: how the number came about, in words.
    features: the feature plugin and, where it matters, its variant.
    samples: generated images, or pairs of them. seed: of the first repeat; None where images were given.
    data: identity of the real images, with `reals`, how many were compared with; None where there were none.
    higher_is_better: which of two scores of this name is the better one.
    """

    name: str
    value: float
    spread: float | None
    protocol: str
    features: str
    samples: int
    seed: int | None
    data: dict[str, Any] | None
    higher_is_better: bool = False

    def __str__(self) -> str:
        spread = "" if self.spread is None else f" ± {self.spread:.3g}"
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.name} {self.value:.5g}{spread} ({self.samples} samples{seed})"

    def to_dict(self) -> dict[str, Any]:
        """What `gancore evaluate --json` prints."""
        return {key: value for key, value in asdict(self).items() if key != "higher_is_better"}
