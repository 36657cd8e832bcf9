"""Freed memory stays with the process, so that the next step finds its pages mapped."""

import subprocess
import sys

import pytest

from gancore.training.allocation import keep_freed_memory

pytest.importorskip("resource")

COUNT = """
import platform, resource, torch
from gancore.training.allocation import keep_freed_memory

def faults():
    torch.ones(4, 2**22)  # 64 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(4, 2**22)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
keep_freed_memory()
print(platform.libc_ver()[0] or "other", before, faults())
"""


def test_the_same_size_again_faults_no_pages() -> None:
    """In a process of its own: the thresholds stay for the rest of it."""
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    library, before, after = done.stdout.split()
    if library != "glibc":
        pytest.skip("only glibc has these thresholds")
    assert int(after) < 20 < int(before)


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    keep_freed_memory()
