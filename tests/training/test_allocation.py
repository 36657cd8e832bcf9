"""Freed memory stays with the process, so that the next step finds its pages mapped."""

import platform
import subprocess
import sys

import pytest

from gancore.training import allocation

LOOK = """
import ctypes, runpy, sys

class Mallinfo(ctypes.Structure):  # <malloc.h>
    _fields_ = [(name, ctypes.c_int) for name in "arena a b hblks hblkhd c d e f keepcost".split()]

library = ctypes.CDLL(None)
library.mallinfo.restype = Mallinfo
library.malloc.argtypes, library.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]

if len(sys.argv) > 1:
    runpy.run_path(sys.argv[1])["keep_freed_memory"]()
before = library.mallinfo()
block = library.malloc(20 * 2**20)
during = library.mallinfo()
library.free(block)
in_heap, stays = during.hblkhd == before.hblkhd, library.mallinfo().arena == during.arena > 20 * 2**20
print("in the heap," if in_heap else "mapped,", "kept" if stays else "given back")
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these thresholds")
@pytest.mark.parametrize(
    ("arguments", "expected"), [([], "mapped, given back\n"), ([allocation.__file__], "in the heap, kept\n")]
)
def test_where_a_large_block_lies_and_whether_it_stays(arguments: list[str], expected: str) -> None:
    """In a process of its own, where nothing was freed before: that would change the thresholds."""
    done = subprocess.run([sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout == expected


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    allocation.keep_freed_memory()
