"""Numbers that cannot work are refused before anything is built: by real plugins, at their key."""

import pytest

from gancore.config import load_experiment
from gancore.errors import ConfigError

REFUSED = {
    "training.log_kimg=1e-320": "must be at least 0.001, got 1e-320",
    "training.sample_kimg=0.0009": "must be at least 0.001",
    "training.checkpoint_kimg=1e300": "must be at most 1e+09",
    "training.kimg=1e300": "must be at most 1e+09",
    "training.batch=1000000000000": "must be at most 65536",
    "training.d_steps=1000000": "must be at most 1024",
    "training.threads=20000": "must be at most 1024",
    "evaluation.every_kimg=1e-9": "must be at least 0.001",
    "generator.z_dim=10000000000": "must be at most 65536",
    "generator.w_dim=65537": "must be at most 65536",
    "generator.channels.max=65537": "must be at most 65536",
    "generator.mapping.layers=65": "must be at most 64",
    "generator.mapping.features=65537": "must be at most 65536",
    "generator.mapping.embed_features=65537": "must be at most 65536",
    "generator.resample_filter=[0, 0]": "taps must not add up to 0",
    "generator.resample_filter=[0.1, 0.2, -0.3]": "taps must not add up to 0",
    "discriminator.resample_filter=[1, -1]": "taps must not add up to 0",
}


@pytest.mark.parametrize("override", REFUSED)
def test_numbers_that_cannot_work(override: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment({"data": "emoji", "evaluation": {"metrics": ["fid"]}}, [override])
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == (f"-o {override}", override.partition("=")[0])
    assert problem.message.startswith(REFUSED[override])


def test_one_image_is_a_period_and_taps_may_be_negative() -> None:
    changes = ["training.log_kimg=0.001", "generator.resample_filter=[-1, 3, 3, -1]", "training.batch=65536"]
    assert load_experiment({"data": "emoji"}, changes).training.log_kimg == 0.001
