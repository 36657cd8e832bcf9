"""`gancore.train` leaves the process as it was, however it ends."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import tiny_experiment

import gancore
from gancore.cli import main
from gancore.training import allocation
from gancore.training.trainer import Trainer


def state() -> dict[str, Any]:
    """What training sets, and what it might."""
    backends = torch.backends
    return {
        "threads": torch.get_num_threads(),
        "interop threads": torch.get_num_interop_threads(),
        "benchmark": backends.cudnn.benchmark,
        "deterministic": backends.cudnn.deterministic,
        "matmul": backends.cuda.matmul.fp32_precision,
        "convolution": backends.cudnn.conv.fp32_precision,
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "random numbers": torch.get_rng_state().tolist(),
    }


@pytest.fixture(autouse=True)
def _two_threads() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_after_a_run_and_after_a_continued_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "keep_freed_memory", lambda: pytest.fail("that cannot be undone"))
    before = state()
    for kimg in (0.008, 0.016):
        gancore.train(tiny_experiment(training__threads=1, training__kimg=kimg), tmp_path / "run")
        assert state() == before


def test_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Trainer) -> None:
        assert torch.get_num_threads() == 1
        torch.manual_seed(3)
        raise RuntimeError("a mistake in a plugin")

    monkeypatch.setattr(Trainer, "step", broken)
    before = state()
    with pytest.raises(RuntimeError, match="a mistake in a plugin"):
        gancore.train(tiny_experiment(training__threads=1), tmp_path / "run")
    assert state() == before


def test_the_command_keeps_freed_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    monkeypatch.setattr(allocation, "keep_freed_memory", lambda: called.append(True))
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_experiment(training__kimg=0.008).to_yaml())
    assert main(["train", str(file), "--out", str(tmp_path / "run")]) == 0
    assert called == [True]
