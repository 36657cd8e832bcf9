"""Names of files, folders and classes in output: on a terminal, in JSON, HTML and pictures.

A name may have any bytes but a slash: the system returns bytes that are not UTF-8 as lone surrogates (PEP 383), which
cannot be encoded, and a newline or an escape character would break a line or control a terminal.
"""

import json
import re
from collections.abc import Sequence
from typing import Any


def shown(name: str) -> str:
    r"""The name as text that can be printed and encoded: "t\xe9", "a\nb" for others. The rest does not change."""
    return name if name.isprintable() else "".join(map(_shown, name))


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON that can be encoded with any names in it: lone surrogates are escaped, other text is not."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def some(names: Sequence[str]) -> str:
    """The first ten names, and the number of others."""
    return ", ".join(map(shown, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _shown(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return (
        character if character.isprintable() or character == "\u200d" else character.encode("unicode_escape").decode()
    )
