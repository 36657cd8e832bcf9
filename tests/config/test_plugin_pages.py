"""The generated pages of docs/plugins say what the code does, and the site has all of them."""

import pytest

from scripts import make_timeline
from scripts.make_plugin_pages import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name], "run `python -m scripts.make_plugin_pages`"


def test_the_site_has_every_page() -> None:
    nav = (FOLDER.parents[1] / "mkdocs.yml").read_text("utf-8")
    assert [path.name for path in FOLDER.glob("*.md") if f"plugins/{path.name}" not in nav] == []


def test_the_timeline_is_up_to_date() -> None:
    assert make_timeline.FILE.read_text("utf-8") == make_timeline.drawn(), "run `python -m scripts.make_timeline`"
