"""Which checkpoints are deleted, and when none is."""

from pathlib import Path

import pytest
import torch

from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import save_tensors
from gancore.errors import RunError


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A folder with checkpoints after 1, 2 and 3 kimg."""
    run = RunFolder(tmp_path)
    for kimg in (1, 2, 3):
        save_tensors(run.checkpoint(kimg), {"weight": torch.full((2,), float(kimg))}, {})
    return run


def test_the_newest_are_kept(folder: RunFolder) -> None:
    folder.retain(2, folder.checkpoint(3))
    assert folder.checkpoints() == [folder.checkpoint(3), folder.checkpoint(2)]


def test_older_ones_outlive_one_that_cannot_be_read_back(folder: RunFolder) -> None:
    newest = folder.checkpoint(3)
    content = newest.read_bytes()
    newest.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RunError):
        folder.retain(1, newest)
    assert len(folder.checkpoints()) == 3
