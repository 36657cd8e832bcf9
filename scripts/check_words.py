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
    r"be had": "be available; not to be had: unavailable",
    r"whatsoever": "any",
    r"whoever|whosoever": "the one who, those who, or the user",
    r"herein|hereby|thereof|thereby": "in, by or of it",
    r"shall": "does, must or should",
    r"(?:is|are|were|was) told": "the message says, or is reported",
    r"in words": "as text, or leave it out",
    r"(?<!do not )stands? for": "means",
    r"looks? through|looked through": "uses (features), or searches",
    r"looked at": "examined, checked or read",
    r"takes? note|took note": "records, or counts",
    r"nobody|somebody|anybody": "no one; better: say which part of the program, or the user",
    r"of one's own|(?:things?|one|process|name|words?|numbers?|key) of (?:its|their) own": "its own, or separate",
    r"not so": "otherwise",
    r"words of error messages": "messages",
    r"gives": "returns, yields or has",
    r"as it is": "unchanged, or leave it out",
    r"what is wrong": "the mistakes, or the damage",
    r"a person": "the user",
    r"asked for": "requested",
    r"whatever": "any, all",
    r"stands": "is",
    r"(?<!here )is no (?!longer)\w+": "is not a",
}
"""Patterns that must not occur, with what to write instead."""

STILL_IN_USE = {
    r"of (?:its|their) own": "its own, or separate",
    r"told": "reported, or distinguished",
    r"wanted": "requested, or needed",
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
