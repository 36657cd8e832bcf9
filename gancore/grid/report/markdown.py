"""report.md: the tables, their significance, and failures."""

import re
from collections.abc import Iterable, Iterator

from gancore.grid.report.remarks import published_remarks, remarks
from gancore.grid.report.results import CellResult, Results
from gancore.grid.report.tables import Entry, Number, Table, legend, tables_of
from gancore.grid.report.terms import word


def as_markdown(results: Results) -> str:
    """The report as text; names that could be taken for markup are escaped."""
    tables = tables_of(results)
    parts = [f"# {escaped(results.name)}", *(_remark(remark.title, remark.text) for remark in remarks(results))]
    heading = ""
    for table in tables:
        if table.title != heading:
            parts.append(f"## {escaped(table.title)}")
        if table.where:
            parts.append(f"### {escaped(table.where)}")
        heading = table.title
        parts += [_table(table), *(f"{escaped(word(one.score))}: {one.words}" for one in table.comparisons)]
    brackets = ["In brackets: the published numbers."] * any(e.published for table in tables for e in table.entries())
    parts.append(_items([*legend(tables), *brackets]))
    parts += _published(results)
    unfinished = [cell for cell in results.cells if cell.state != "done" or cell.damage]
    if unfinished:
        parts += ["## Cells that are not done, or damaged", "\n".join(map(_state, unfinished))]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Plain text: no markup of Markdown or HTML, no end of a table's cell, one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _remark(title: str, text: str) -> str:
    return f"**{title}.** {escaped(text)}" if title else escaped(text)


def _table(table: Table) -> str:
    lines = [[escaped(table.corner), *map(escaped, table.columns)], ["---"] * (len(table.columns) + 1)]
    lines += [[escaped(row), *map(_entry, entries)] for row, entries in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _entry(entry: Entry | None) -> str:
    if entry is None:
        return ""
    if not entry.numbers:
        return entry.state
    text = " / ".join(_number(number, count) for number, count in zip(entry.numbers, entry.counts, strict=True))
    published = f" [{entry.published}]" if entry.published else ""
    return f"{text}{' †' if entry.on_the_way else ''}{published}"


def _number(number: Number | None, count: str) -> str:
    if number is None:
        return "–"
    spread = f" ± {number.spread}" if number.spread else ""
    text = f"{number.text}{spread}{f' ({count})' if count else ''}{' ≈' if number.tied else ''}"
    text += f" ‡ {number.at}" if number.at else ""
    return f"**{text}**" if number.best else text


def _published(results: Results) -> Iterator[str]:
    found = published_remarks(results)
    if found:
        yield "## Published numbers"
        yield escaped(found.text)
        yield _items(found.why_not)
        if found.differences:
            yield "Differences from the training in the paper:"
            yield _items(found.differences)


def _state(cell: CellResult) -> str:
    reasons = [reason for reason in (cell.reason, *cell.damage) if reason]
    name = cell.name.replace("`", "'")
    return f"- `{name}`: {cell.state}" + (f": {escaped('; '.join(reasons))}" if reasons else "")


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)
