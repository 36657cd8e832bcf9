"""The process is as it was after a call: random states, defaults of torch."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject
from gancore.testing.uses import used

MAY_DRAW = ("generator", "discriminator")
"""Kinds that may draw from torch's generator in training (dropout): the engine seeds it for every phase."""

WHY = "a resumed run would end elsewhere than one that never stopped, and another plugin would see other numbers"


def the_process_is_left_as_it_is(subject: Subject) -> Iterator[Finding]:
    """Random states of Python, numpy and torch, and the settings of torch."""
    before = _process()
    used(subject)
    changed = [name for name, value in _process().items() if value != before[name]]
    if subject.spec.kind in MAY_DRAW and "torch's random state" in changed:
        changed.remove("torch's random state")
    expected = "random states and settings as they were; numbers come from the draw"
    yield holds(not changed, "process", expected, f"another {', '.join(changed)}", WHY)


def torch_is_not_seeded(subject: Subject) -> Iterator[Finding]:
    """Two states of torch's generator do not become one."""
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        used(subject)
        states.append(_process()["torch's random state"])
    yield holds(states[0] != states[1], "process", "torch's generator is not seeded", "the same state twice", WHY)


def _process() -> Mapping[str, Any]:
    return {
        "random state of Python": random.getstate(),
        "random state of numpy": str(np.random.get_state()),
        "torch's random state": torch.get_rng_state().numpy().tobytes(),
        "default dtype": torch.get_default_dtype(),
        "gradient mode": torch.is_grad_enabled(),
        "number of threads": torch.get_num_threads(),
        "choice of deterministic kernels": torch.are_deterministic_algorithms_enabled(),
        "anomaly mode": torch.is_anomaly_enabled(),
    }
