"""Writes the table and the pictures of docs/gallery.md: `python -m scripts.make_gallery [FOLDER]`.

FOLDER (default: runs/gallery) is what `gancore grid run experiments/gallery.yaml` made, finished or not. What a picture
shows is said by hand, in scripts/gallery_notes.yaml; so is the text around the table.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from gancore.cli.presets import facts
from gancore.config.yaml.reader import read
from gancore.errors import GancoreError
from gancore.grid.folder import GridFolder
from gancore.grid.report.collect import results_of
from gancore.grid.report.pictures import kimg_of, newest
from gancore.grid.report.results import CellResult
from scripts.make_yaml_reference import filled, rows

ROOT = Path(__file__).parent.parent
NOTES = Path(__file__).with_name("gallery_notes.yaml")
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = Path("images", "gallery")
"""Below the folder of the page."""

TILE, COLUMNS, ROWS = 32, 8, 2
HEAD = ("preset", "samples", "G, D", "images/s", "kimg", "`fid[embedded]`", "what it shows")


def main() -> int:
    try:
        make(GridFolder(Path(*sys.argv[1:2] or ["runs", "gallery"])), PAGE, read(NOTES).data)
    except GancoreError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def make(folder: GridFolder, page: Path, notes: Mapping[str, str]) -> None:
    """Fills the page's table and writes the pictures beside it. Raises RunError where there is no grid."""
    cells = results_of(folder).cells
    pictures = page.parent / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        if sheet := samples_of(folder, cell):
            strip(sheet, pictures / f"{preset_of(cell)}.png")
    if reals := next(folder.cells.glob("*/samples/reals.png"), None):
        strip(reals, pictures / "reals.png")
    table = rows(HEAD, (row(folder, cell, notes) for cell in cells))
    page.write_text(filled(page.read_text(encoding="utf-8"), {"gallery": table}), encoding="utf-8")


def row(folder: GridFolder, cell: CellResult, notes: Mapping[str, str]) -> Iterator[str]:
    """The columns of a preset. What is not known yet is told as such."""
    preset = preset_of(cell)
    sheet = samples_of(folder, cell)
    yield f"[{preset}](../experiments/gallery/{preset}.yaml)<br>{paper(preset)}"
    yield f"![{preset}]({PICTURES}/{preset}.png)<br>at {kimg_of(sheet):g} kimg" if sheet else "none yet"
    yield "<br>".join(f"{n:,}" for n in cell.parameters.values()) if cell.parameters else ""
    yield f"{cell.images_per_s:.0f}" if cell.images_per_s else ""
    yield f"{cell.kimg:g} of {cell.target_kimg:g}" + ("" if cell.state == "done" else f", {cell.state}")
    yield fid(cell)
    yield notes.get(preset, "not looked at yet")


def fid(cell: CellResult) -> str:
    """The last score; the sign says that the row is too short for a comparison."""
    score = cell.final.get("fid[embedded]")
    return f"{score.value:.1f}" + (" †" if cell.too_short_to_rank else "") if score else ""


def preset_of(cell: CellResult) -> str:
    """The label of the row is the preset's name."""
    (label,) = cell.axes.values()
    return label


def paper(preset: str) -> str:
    """The first paper that the preset's head names."""
    name = facts(preset).paper
    return f"[{name}](https://arxiv.org/abs/{name.removeprefix('arXiv:')})"


def samples_of(folder: GridFolder, cell: CellResult) -> Path | None:
    """The last sheet of samples that was written, unless it is that of the first weights."""
    sheet = newest(folder.run(cell.name).samples)
    return sheet if sheet and kimg_of(sheet) else None


def strip(sheet: Path, picture: Path) -> None:
    """The first samples of a sheet, which nobody has chosen."""
    with Image.open(sheet) as image:
        image.crop((0, 0, COLUMNS * TILE, ROWS * TILE)).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
