"""What gancore.nn offers to plugin authors: documented, and enough for gancore's own plugins."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gancore.nn

ROOT = Path(gancore.nn.__file__).parents[2]
MODULES = ("gancore.nn.families.", "gancore.nn.pretrained")


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a file imports from gancore.nn."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gancore.nn"):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("gancore.nn"))


def test_the_documentation_names_all_of_it_and_nothing_else() -> None:
    text = (ROOT / "docs/plugins.md").read_text()
    table = text.partition("## What gancore.nn offers")[2].partition("`gancore.nn.families`")[0].partition("| for |")[2]
    named = set(re.findall(r"`(\w+)`", table)) - {"mean", "sum"}  # those of `processes`
    assert named == set(gancore.nn.__all__)
    assert all(hasattr(gancore.nn, name) for name in named)


def test_plugins_use_nothing_else() -> None:
    others = {
        (path.relative_to(ROOT).as_posix(), module, name)
        for path in (ROOT / "plugins").rglob("*.py")
        for module, name in imported(path)
        if not module.startswith(MODULES) and (module != "gancore.nn" or name not in gancore.nn.__all__)
    }
    assert not others
