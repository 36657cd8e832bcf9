"""Two processes with half of the batch each do what one process does with all of it."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

TESTS = Path(__file__).parents[1]
ALL = {
    "everything of StyleGAN2": ["augmentation={use: ada, p: 0.5}"],
    "batch norm in both": ["generator.normalization=batch", "discriminator.normalization=batch"],
    "adaptive augmentation": ["augmentation={use: ada, interval: 1}", "regularizers.r1.interval=1"],
    "relativistic, labels": ["loss=relativistic", "data.labels=true", "training.d_steps=2"],
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def processes_of(count: int, command: list[str]) -> list[subprocess.Popen[str]]:
    """The processes that torchrun would start."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    return [
        subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, "PYTHONPATH": path, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        _, words = process.communicate(timeout=300)
        assert process.returncode == 0, words


def gradients(count: int, folder: Path, overrides: list[str]) -> dict[str, Any]:
    file = folder / f"{count}.pt"
    finish(processes_of(count, [str(Path(__file__).with_name("two_processes.py")), str(file), *overrides]))
    return torch.load(file)


@pytest.mark.parametrize("case", ALL)
def test_gradients_and_states_are_those_of_one_process(case: str, tmp_path: Path) -> None:
    one, two = (gradients(count, tmp_path, ALL[case]) for count in (1, 2))
    assert list(one) == list(two)
    for key, value in one.items():
        if value is None:
            assert two[key] is None, key
        else:
            torch.testing.assert_close(
                two[key], value, rtol=1e-6, atol=1e-9, msg=lambda words, key=key: f"{key}: {words}"
            )
