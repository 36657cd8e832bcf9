"""Hooks of mkdocs: the site has README.md as its front page, and whatever the pages link to outside docs/.

On the site everything of the repository lies beside the pages, so `../experiments/demo.yaml` in a page of docs/ becomes
`experiments/demo.yaml`, and `docs/data.md` in README.md becomes `data.md`.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md"} | {name: name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")}
LINK = re.compile(r"\]\((?:\.\./|docs/)([^)\s]+)\)")
ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source)[^>]* src=\"?(https?:)?//[^>]*>|<link[^>]* href=\"?(https?:)?//[^>]*>"
)


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages and files that lie outside docs/."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text()))
    for page in [file for file in files if file.is_documentation_page()]:
        for target in LINK.findall(page.content_string):
            path = ROOT / target.partition("#")[0]
            if path.is_file() and not files.get_file_from_path(target.partition("#")[0]) and path.suffix != ".md":
                files.append(File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links as they are on the site."""
    return LINK.sub(r"](\1)", markdown).replace("](README.md", "](index.md")


def on_post_build(config: Any) -> None:
    """Fails if a page loads anything from another host."""
    for page in sorted(Path(config["site_dir"]).rglob("*.html")):
        if found := ELSEWHERE.search(page.read_text()):
            raise PluginError(f"{page}: loads from another host: {found[0]}")
