"""A score with all information that comparisons need."""

from dataclasses import asdict, dataclass
from typing import Any

from gancore import display


@dataclass(frozen=True, repr=False)
class Score:
    """One result of one metric.

    name: the metric, with the features if they are not the standard ones: `fid[embedded]`.
    spread: standard deviation over repeats, or the metric's own (subsets, splits); None without either.
    protocol: how the number was computed, as text.
    features: the feature plugin and its variant.
    samples: generated images, or pairs of them. seed: of the first repeat; None for images of a folder.
    data: identity of the real images, with their number `reals`; None without any.
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

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        return display.facts(str(self), {"protocol": self.protocol, "features": self.features})

    def to_dict(self) -> dict[str, Any]:
        """What `gancore evaluate --json` prints."""
        return {key: value for key, value in asdict(self).items() if key != "higher_is_better"}
