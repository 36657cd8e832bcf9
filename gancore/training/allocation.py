"""Keeps the memory that a step has freed for the next one.

The C library of Linux returns large blocks to the system as soon as they are free, and gets them again, page by
page, a moment later: every step allocates the same sizes. At 32x32 pixels that was a tenth of the discriminator's
phase (docs/performance.md).
"""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Keeps freed memory for the rest of the process, with glibc; does nothing with other C libraries."""
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)  # the most before glibc 2.35
    mallopt(M_TRIM_THRESHOLD, NEVER)
