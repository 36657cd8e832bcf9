"""Messages on stderr, and how they write a size."""

import sys
from contextlib import suppress

from tqdm import tqdm


def tell(message: str) -> None:
    """Writes a line to stderr, above any progress bar.

    A stderr that is full or gone (a closed terminal, a pipe without a reader) loses the line, and the work continues.
    """
    with suppress(OSError, ValueError):  # ValueError: it is closed
        tqdm.write(message, file=sys.stderr)


def bytes_text(count: float) -> str:
    """A number of bytes for people: "8.3 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
