"""Messages on stderr."""

import sys
from contextlib import suppress

from tqdm import tqdm


def tell(message: str) -> None:
    """Writes a line to stderr, above any progress bar.

    A stderr that is full or gone (a closed terminal, a pipe without a reader) loses the line, and the work continues.
    """
    with suppress(OSError, ValueError):  # ValueError: it is closed
        tqdm.write(message, file=sys.stderr)
