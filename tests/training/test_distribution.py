"""Two processes with half of the batch each do what one process does with all of it."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from support.two_processes import leave_gradients, processes_of, train_one

from gancore.artifacts.tensors import load_tensors
from gancore.errors import GancoreError
from gancore.training.distribution import Processes

pytestmark = pytest.mark.xdist_group("processes")  # one worker has a server to fork them from

LEARNED = Path(__file__).parents[1] / "fixtures" / "learned.py"

CASES = {
    "StyleGAN2 with adaptive augmentation": [
        "augmentation={use: ada, interval: 1}",
        "regularizers.r1.interval=1",
        "training.draws=device",
    ],
    "batch norm, pairs, labels": [
        "generator.normalization=batch",
        "discriminator.normalization=batch",
        "loss=relativistic",
        "data.labels=true",
        "training.d_steps=2",
    ],
    "parts with parameters": [
        f"plugins={{regularizer: {{codes: '{LEARNED}:Codes'}}, loss: {{scaled: '{LEARNED}:Scaled'}}}}",
        "regularizers={codes: {}}",
        "loss=scaled",
    ],
    "ACGAN": [  # without dropout: its masks are those of a process's own part of the batch
        "data.labels=true",
        "generator={use: dcgan, normalization: batch, z_dim: 8, kernel: 5, bias: true, channels: {base: 64, max: 8}}",
        "discriminator={use: acgan, normalization: batch, width: 2, dropout: 0}",
        "loss=acgan",
        "regularizers={path_length: null, style_mixing: null}",
        "training.order=d_first",
    ],
}


def train_together(out: Path, fault: int | None = None) -> list[int | None]:
    """Exit codes of two processes."""
    processes = processes_of(2, out.with_suffix(".errors"), train_one, out, fault)
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def gradients(count: int, folder: Path) -> dict[str, Any]:
    """Of all cases in one go."""
    file, errors = folder / f"{count}.pt", folder / f"{count}.errors"
    for process in processes_of(count, errors, leave_gradients, file, CASES):
        process.join(300)
        assert process.exitcode == 0, [path.read_text() for path in errors.iterdir()]
    return torch.load(file)


def test_gradients_and_states_are_those_of_one_process(tmp_path: Path) -> None:
    one, two = (gradients(count, tmp_path) for count in (1, 2))
    assert list(one) == list(two)
    assert {key.split("/")[0] for key in one} == set(CASES)
    for key, value in one.items():
        if value is None:
            assert two[key] is None, key
        else:
            torch.testing.assert_close(
                two[key], value, rtol=1e-6, atol=1e-9, msg=lambda words, key=key: f"{key}: {words}"
            )


def test_two_processes_that_are_killed_and_resumed_end_with_the_same_bits(tmp_path: Path) -> None:
    """The first process dies inside the writing of a checkpoint; the other notices and ends."""
    assert train_together(tmp_path / "straight") == [0, 0]
    first, second = train_together(tmp_path / "killed", 3)
    assert first == -signal.SIGKILL
    assert second not in (0, -signal.SIGKILL)
    assert train_together(tmp_path / "killed") == [0, 0]
    straight, killed = (load_tensors(tmp_path / name / "model.safetensors")[0] for name in ("straight", "killed"))
    assert all(torch.equal(value, killed[name]) for name, value in straight.items())
    assert len((tmp_path / "killed" / "log.jsonl").read_text().splitlines()) == 2


def test_a_batch_that_cannot_be_shared_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(GancoreError, match=r"8 images cannot be shared equally by 3 processes; 6 can"):
        Processes(rank=0, size=3).part(8)
    with pytest.raises(GancoreError, match=r"microbatch: 2 must divide the 3 images .* a batch of 6; 1, 3 do"):
        Processes(rank=0, size=2).check(6, microbatch=2)
    Processes(rank=0, size=2).check(6, microbatch=3)
    Processes(rank=0, size=2).check(6, microbatch=6)  # more than there are: all of them
