"""Experiments of a stated size for the measurements around training: skip generator, residual discriminator, emoji."""

from typing import Any

from gancore.config import Experiment, load_experiment


def experiment(
    resolution: int = 32,
    batch: int = 16,
    channels: int = 64,
    threads: int | None = None,
    data: dict[str, Any] | None = None,
) -> Experiment:
    """channels: at 32 pixels and below; half of them at 64, and so on. z and w have 128 numbers."""
    return load_experiment(
        {
            "name": "benchmark",
            "data": data or {"use": "emoji", "resolution": resolution, "fit": "resize"},
            "generator": {
                "use": "skip",
                "z_dim": 128,
                "w_dim": 128,
                "mapping": {"layers": 2},
                "channels": {"base": channels * 32, "max": channels},
            },
            "discriminator": "residual",
            "regularizers": {"r1": {"gamma": 1}, "path_length": {}},
            "training": {"kimg": 1000, "batch": batch, "threads": threads, "device": "cpu"},
        }
    )
