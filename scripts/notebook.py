"""Executes docs/notebook.ipynb and stores its outputs in it: `python -m scripts.notebook`; with `--check` compares.

A cell runs as in Jupyter: what it prints, and the value of its last line as PNG, HTML and text. It needs no Jupyter.
The working directory is a temporary one. Outputs depend on the machine (speeds, the last bits of training), so that
`--check` compares what kinds of output each cell has.
"""

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
MOST = 400_000
"""Bytes of the file."""

MAY_FAIL = "raises-exception"
"""The tag, Jupyter's own, of a cell that shows an error."""


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with new outputs. Raises what a cell raises, unless its tags allow it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, number = [], 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                number += 1
                outputs = list(_outputs("".join(cell["source"]), names, number, MAY_FAIL in _tags(cell)))
                cell = {**cell, "execution_count": number, "outputs": outputs}
            cells.append(cell)
    return {**notebook, "cells": cells}


def _outputs(source: str, names: dict[str, Any], number: int, may_fail: bool) -> Iterator[dict[str, Any]]:
    printed, value, error = io.StringIO(), None, None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            value = _run(source, names)
        except Exception as raised:
            if not may_fail:
                raise
            error = raised
    if printed.getvalue():
        yield {"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())}
    if error is not None:
        text = getattr(error, "_render_traceback_", lambda: [repr(error)])()
        yield {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": text}
    if value is not None:
        yield {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": _shown(value)}


def _run(source: str, names: dict[str, Any]) -> Any:
    """The value of the last line, if it is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names) if isinstance(last, ast.Expr) else None


def _shown(value: Any) -> dict[str, Any]:
    """A value as Jupyter asks for it, by media type."""
    found: dict[str, Any] = {"text/plain": _lines(repr(value))}
    if hasattr(value, "_repr_html_"):
        found["text/html"] = _lines(value._repr_html_())
    if hasattr(value, "_repr_png_"):
        found["image/png"] = base64.b64encode(value._repr_png_()).decode("ascii")
    return found


def differences(stored: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Cells whose outputs are of other kinds than the stored ones."""
    for before, after in zip(stored["cells"], new["cells"], strict=True):
        if (kinds := _kinds(before)) != (now := _kinds(after)):
            yield f"{''.join(after['source']).splitlines()[0]!r}: {now}, and {kinds} in the file"


def _kinds(cell: dict[str, Any]) -> list[str]:
    found = [
        (output["output_type"], output.get("ename"), *output.get("data", ())) for output in cell.get("outputs", ())
    ]
    return [" ".join(filter(None, one)) for one in found]


def _tags(cell: dict[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", ()))


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    os.environ.setdefault("COLUMNS", "80")
    stored = json.loads(FILE.read_text("utf-8"))
    new = executed(stored)
    text = json.dumps(new, indent=1, ensure_ascii=False) + "\n"
    wrong = [*differences(stored, new)] if "--check" in sys.argv else []
    if len(text) > MOST:
        wrong.append(f"{len(text):,} bytes, more than {MOST:,}")
    if wrong:
        sys.exit("\n".join([f"{FILE}:", *wrong]))
    if "--check" not in sys.argv:
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
