"""Memory that a step has freed is kept for the next one.

The C library of Linux gives large blocks back to the system as soon as they are free, and gets them again, page by
page, a moment later: every step asks for the same sizes. At 32x32 pixels that was a tenth of the discriminator's
phase (docs/performance.md).
"""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """For the rest of the process, where the C library is glibc; elsewhere nothing happens."""
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)  # the most before glibc 2.35
    mallopt(M_TRIM_THRESHOLD, NEVER)
