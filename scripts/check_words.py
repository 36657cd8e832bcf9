"""Words that messages and documentation avoid: `python -m scripts.check_words`, or with --all those still in use.

Plain English as in the documentation of Python: active verbs, and the field's own terms.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("README.md", "docs/**/*.md", "gancore/**/*.py", "plugins/**/*.py")

AVOIDED = {
    r"is to be had": "is available",
    r"whatsoever": "any",
    r"herein|hereby|thereof": "in, by or of it",
    r"shall": "does, must or should",
    r"not to be had": "unavailable",
    r"(?:is|are) told": "the message says, or is reported",
}
"""Patterns that must not occur, with what to write instead."""

STILL_IN_USE = {
    r"in words": "as text, or leave it out",
    r"stands? for": "means",
    r"gives": "returns, where a function does it",
}
"""Patterns to avoid that occur today; a pattern moves up once none is left."""


def found(patterns: dict[str, str]) -> Iterator[str]:
    for path in sorted({path for pattern in FILES for path in ROOT.glob(pattern)}):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for pattern, instead in patterns.items():
                if match := re.search(rf"\b(?:{pattern})\b", line, re.IGNORECASE):
                    yield f"{path.relative_to(ROOT)}:{number}: {match[0]!r}; write {instead}"


if __name__ == "__main__":
    lines = list(found(AVOIDED | (STILL_IN_USE if "--all" in sys.argv[1:] else {})))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
