"""Tables that papers have published, from published.yaml. Light: it knows keys and values, not what they mean."""

from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from gancore.config.yaml.reader import parse
from gancore.options import PluginConfig

Scalar = str | int | float | bool | None


class PublishedCell(PluginConfig):
    """One cell of a table: dotted keys of its resolved experiment, and its numbers by score."""

    at: dict[str, Scalar]
    scores: dict[str, float]


class PublishedTable(PluginConfig):
    """A table; its fields are described in published.yaml."""

    paper: str
    table: str
    remark: str
    snapshot: Literal["final", "best"]
    data: dict[str, Scalar]
    scores: dict[str, dict[str, Scalar]]
    all: dict[str, Scalar]
    cells: list[PublishedCell] = Field(min_length=1)
    settings: dict[str, Scalar]

    @property
    def title(self) -> str:
        return f"{self.table} of {self.paper}"


@cache
def published_tables() -> dict[str, PublishedTable]:
    """All tables, by their names in `grid.published`."""
    file = resources.files("gancore.grid") / "published.yaml"
    document: dict[str, Any] = parse(file.read_text(encoding="utf-8"), str(file)).data
    return {name: PublishedTable.model_validate(table) for name, table in document.items()}
