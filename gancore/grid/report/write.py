"""The report as files: results.json, results.csv, report.md, report.html."""

from pathlib import Path

from gancore.artifacts.atomic import write_json, write_text
from gancore.grid.folder import GridFolder
from gancore.grid.report.collect import results_of
from gancore.grid.report.html import as_html
from gancore.grid.report.markdown import as_markdown
from gancore.grid.report.spreadsheet import as_csv

PAGE = "report.html"


def write_report(folder: GridFolder, out: Path) -> Path:
    """Writes all forms of the report into a folder, and returns it. Raises RunError if there is no grid."""
    results = results_of(folder)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "results.json", results.to_dict())
    write_text(out / "results.csv", as_csv(results))
    write_text(out / "report.md", as_markdown(results))
    write_text(out / PAGE, as_html(results, folder))
    return out
