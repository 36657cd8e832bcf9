"""Freed memory stays with the process, so that the next step finds its pages mapped."""

import ctypes
import platform
from collections.abc import Iterator

import pytest

from gancore.training.allocation import M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, keep_freed_memory

DEFAULT = 128 * 1024  # both thresholds of glibc, unless set
BLOCK = 64 * 2**20

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these thresholds")


class Mallinfo(ctypes.Structure):
    """What <malloc.h> reports, in bytes."""

    _fields_ = tuple(
        (name, ctypes.c_int)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    )


@pytest.fixture
def library() -> Iterator[ctypes.CDLL]:
    """The C library with its usual thresholds, before and after."""
    library = ctypes.CDLL(None)
    library.mallinfo.restype = Mallinfo
    library.malloc.argtypes, library.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    library.free.argtypes, library.free.restype = [ctypes.c_void_p], None
    usual = (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)
    for threshold in usual:
        library.mallopt(threshold, DEFAULT)
    library.malloc_trim(0)
    yield library
    for threshold in usual:
        library.mallopt(threshold, DEFAULT)


def allocated(library: ctypes.CDLL) -> tuple[bool, bool]:
    """Whether a large block lies in the heap, not in a mapping of its own, and whether its memory is kept when free."""
    before = library.mallinfo()
    block = library.malloc(BLOCK)
    during = library.mallinfo()
    library.free(block)
    after = library.mallinfo()
    assert block
    in_heap = during.hblkhd == before.hblkhd
    return in_heap, in_heap and after.arena == during.arena


@glibc
def test_a_large_block_is_in_the_heap_and_stays_there(library: ctypes.CDLL) -> None:
    assert allocated(library) == (False, False)
    keep_freed_memory()
    assert allocated(library) == (True, True)


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    keep_freed_memory()
