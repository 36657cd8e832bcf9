"""What is measured: the configuration of the tables in docs/performance.md, or an experiment of one's own.

RGB, batch 16 (path length 8), z = w = 128, 2-layer mapping, channels min(2048 / resolution, 128), skip generator,
residual discriminator, Adam, non-saturating logistic loss, R1 every 16 steps, path length every 4.
"""

from dataclasses import asdict, dataclass
from typing import Any

from gancore.composition import experiment_interface
from gancore.config import Experiment, load_experiment
from gancore.contracts import Interface
from gancore.errors import GancoreError

BATCH, WIDTH, CHANNEL_BASE = 16, 128, 2048


@dataclass(frozen=True)
class Subject:
    """An experiment by what a child process needs to build it: `yaml` is a file, None the configuration above."""

    yaml: str | None = None
    resolution: int = 32
    precision: str = "fp32"
    normalization: str = "demod"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def experiment(self) -> Experiment:
        """Raises ConfigError."""
        if self.yaml is not None:
            return load_experiment(self.yaml, [f"training.precision={self.precision}", "training.device=cpu"])
        channels = {"base": CHANNEL_BASE, "max": WIDTH}
        return load_experiment(
            {
                "data": {"use": "emoji", "resolution": self.resolution, "fit": "resize"},
                "generator": {
                    "use": "skip",
                    "normalization": self.normalization,
                    "z_dim": WIDTH,
                    "w_dim": WIDTH,
                    "mapping": {"layers": 2},
                    "channels": channels,
                },
                "discriminator": "residual",
                "loss": "non_saturating",
                "regularizers": {
                    "r1": {"gamma": 10, "interval": 16},
                    "path_length": {"weight": 2, "interval": 4},
                },
                "training": {"kimg": 1000, "batch": BATCH, "precision": self.precision, "device": "cpu"},
            }
        )

    def interface(self, experiment: Experiment) -> Interface:
        """That of the data where they are there, else RGB without labels: what is trained on is noise anyway."""
        if self.yaml is None:
            return Interface(self.resolution, 3)
        try:
            return experiment_interface(experiment)
        except GancoreError:
            return Interface(experiment.data.core.resolution or self.resolution, 3)
