"""Hooks of mkdocs: the site has README.md as its front page, and whatever the pages link to outside docs/.

Notebooks become pages. On the site everything of the repository lies beside the pages, so `../experiments/demo.yaml` in
a page of docs/ becomes `experiments/demo.yaml`, and `docs/data.md` in README.md becomes `data.md`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md"} | {name: name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")}
ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source)[^>]* src=\"?(https?:)?//[^>]*>|<link[^>]* href=\"?(https?:)?//[^>]*>"
)


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages and files that lie outside docs/."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text()))
    for page in [file for file in files if file.is_documentation_page()]:
        for target in outside(page).findall(page.content_string):
            path = ROOT / target.partition("#")[0]
            if path.is_file() and not files.get_file_from_path(target.partition("#")[0]) and path.suffix != ".md":
                files.append(File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)))
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        cells = json.loads(notebook.content_string)["cells"]
        page = notebook.src_uri.replace(".ipynb", ".md")
        files.append(File.generated(config, page, content="\n\n".join(map(as_markdown, cells))))
    return files


def outside(page: File) -> re.Pattern[str]:
    """The links of a page that lead out of docs/, or out of README.md into it."""
    return re.compile(rf"\]\((?:{re.escape('../' * (page.src_uri.count('/') + 1))}|docs/)([^)\s]+)\)")


def as_markdown(cell: dict[str, Any]) -> str:
    """A cell of a notebook with its outputs, the richest form of each."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    return "\n\n".join([f"```python\n{source}\n```", *(text for output in cell["outputs"] for text in _output(output))])


def _output(output: dict[str, Any]) -> Iterator[str]:
    data = output.get("data", {})
    if "image/png" in data:
        yield f"<div class='output'><img alt='output' src='data:image/png;base64,{data['image/png']}'></div>"
    elif "text/html" in data:
        yield f"<div class='output'>{''.join(data['text/html'])}</div>"
    else:
        plain = output.get("text") or output.get("traceback") or data["text/plain"]
        yield f"```text\n{''.join(plain).rstrip()}\n```"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links as they are on the site."""
    up = "../" * page.file.src_uri.count("/")
    markdown = outside(page.file).sub(rf"]({up}\1)", markdown)
    return markdown.replace("](README.md", "](index.md").replace("](notebook.ipynb", "](notebook.md")


def on_post_build(config: Any) -> None:
    """Fails if a page loads anything from another host."""
    for page in sorted(Path(config["site_dir"]).rglob("*.html")):
        if found := ELSEWHERE.search(page.read_text()):
            raise PluginError(f"{page}: loads from another host: {found[0]}")
