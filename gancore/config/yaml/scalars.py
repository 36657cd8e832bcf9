"""The meaning of a plain (unquoted) word of YAML: the core schema of YAML 1.2, without its traps.

25000  25_000  -3        whole numbers, up to 18 digits
0.5  .5  2e-4  1e3       numbers (PyYAML reads the last two as text)
true false  null ~       as in YAML 1.2; `yes`, `no`, `on`, `off` are text, and so are dates and 1:30
010                      refused: 8 for YAML 1.1, 10 for everyone else
.inf .nan 1e999          refused: no option may be infinite or not a number
"""

import math
import re
from pathlib import PurePath
from typing import Any

import yaml

NULLS = {"null", "Null", "NULL", "~"}
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
OCTAL = re.compile(r"[-+]?0[0-9_]+")
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def scalar(word: str) -> Any:
    """The value of a plain word. Raises ValueError, with the right form, for an ambiguous one."""
    if word in NULLS:
        return None
    if word in BOOLEANS:
        return BOOLEANS[word]
    if INTEGER.fullmatch(word):
        return checked_number(int(word) if len(word) < 40 else math.inf, word)
    if OCTAL.fullmatch(word):
        raise ValueError(f"{word} may mean octal or decimal; write {word.replace('_', '').lstrip('+-0') or '0'}")
    if NUMBER.fullmatch(word):
        return checked_number(float(word), word)
    if NOT_FINITE.fullmatch(word):
        return checked_number(math.nan, word)
    return word


def checked_number(value: float, word: str) -> float:
    """The number itself. Raises ValueError unless it is finite and, if whole, fits into 63 bits."""
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(f"{word} has too many digits; whole numbers have at most 18")
    if isinstance(value, float) and not math.isfinite(value):
        shown = word if len(word) < 40 else word[:37] + "..."
        raise ValueError(f"{shown} is not a finite number")
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes text that `scalar` would read as something else, and escapes unprintable characters."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')


class _Writer(_Dumper):
    """Writes short mappings and lists on one line, and repeats shared values instead of using aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = flow_style or (node.flow_style and len(mapping) <= 5)
        return node


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
_Dumper.add_representer(str, _Dumper.represent_str)
_Dumper.add_multi_representer(str, lambda dumper, text: dumper.represent_str(str(text)))
_Dumper.add_multi_representer(int, lambda dumper, number: dumper.represent_int(int(number)))
_Dumper.add_multi_representer(float, lambda dumper, number: dumper.represent_float(float(number)))
_Dumper.add_multi_representer(PurePath, lambda dumper, path: dumper.represent_str(str(path)))


def dump(value: Any, aliases: bool = False) -> str:
    """YAML text that the loader reads back to an equal value."""
    dumper = _Dumper if aliases else _Writer
    return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


def inline(value: Any) -> str:
    """The value in YAML on one line."""
    text = yaml.dump([value], Dumper=_Writer, sort_keys=False, allow_unicode=True, width=2**31, default_flow_style=True)
    return text.strip()[1:-1]
