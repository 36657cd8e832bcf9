"""The gallery: a row a preset, made of the preset's own file, and the page that shows what came out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.made_up_grids import made_up

from gancore.config import load_experiment
from gancore.config.yaml.reader import read
from gancore.errors import RunError
from gancore.grid.cells import Cell, cells_of
from gancore.grid.folder import GridFolder
from gancore.training.samples import save_grid
from scripts.make_gallery import NOTES, PAGE, PICTURES, ROOT, make

GALLERY = ROOT / "experiments" / "gallery.yaml"


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return cells_of(load_experiment(GALLERY))


def label(cell: Cell) -> str:
    return cell.combination.labels["extends"]


def test_a_row_is_what_its_label_says(cells: list[Cell]) -> None:
    assert len(cells) == 18
    for cell in cells:
        file = GALLERY.parent / "gallery" / f"{label(cell)}.yaml"
        assert cell.combination.changes == {"extends": f"gallery/{file.name}"}
        assert read(file).data["extends"] == f"preset:{label(cell)}"


def test_all_rows_see_the_same_images_and_are_measured_alike(cells: list[Cell]) -> None:
    assert len({str(cell.experiment.data.core) for cell in cells}) == 2  # with labels, and without
    assert len({str(cell.experiment.evaluation) for cell in cells}) == 1
    assert {label(cell) for cell in cells if cell.experiment.data.core.labels} == {"stylegan2-ada"}


def test_a_row_has_the_parts_of_its_preset(cells: list[Cell]) -> None:
    for cell in cells:
        preset = load_experiment(f"preset:{label(cell)}")
        assert uses(cell.experiment) == uses(preset), cell.name


def uses(experiment: Any) -> list[tuple[str, str]]:
    kinds = ("generator", "discriminator", "normalization", "loss", "regularizer")
    return [(part.key, part.use) for part in experiment.parts() if part.kind in kinds]


def test_the_page_has_every_row(cells: list[Cell]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| [")] != []
    for cell in cells:
        assert f"[{label(cell)}](../experiments/gallery/{label(cell)}.yaml)" in text


def test_notes_are_of_rows(cells: list[Cell]) -> None:
    assert set(read(NOTES).data) <= {label(cell) for cell in cells}


def test_the_page_of_an_unfinished_gallery(tmp_path: Path) -> None:
    grid = {"axes": {"extends": {name: f"gallery/{name}.yaml" for name in ("dcgan", "gan-mlp")}}, "enough_kimg": 5}
    done = {"state": "done", "at": 2.5, "scores": [{"fid[embedded]": 12.34}], "parameters": {"generator": 1234, "d": 5}}
    folder = made_up(tmp_path / "gallery", grid, {"extends=dcgan": {**done, "kimg": 2.5}})
    samples = folder.run("extends=dcgan").samples
    samples.mkdir()
    for kimg in ("000000.000", "000002.500"):
        save_grid(samples / f"fakes-{kimg}.png", torch.zeros(100, 1, 32, 32))
    page = tmp_path / "gallery.md"
    page.write_text("before\n<!-- begin gallery -->\n<!-- end gallery -->\nafter\n")
    make(folder, page, {"dcgan": "gray"})
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    dcgan, mlp = (line for line in text.splitlines() if line.startswith("| ["))
    for words in ("arXiv:1511.06434", f"({PICTURES}/dcgan.png)<br>at 2.5 kimg", "1,234<br>5", "| 2.5 of 2.5 |",
                  "| 12.3 † |", "| gray |"):  # fmt: skip
        assert words in dcgan
    for words in ("arXiv:1406.2661", "none yet", "not looked at yet", "0 of 10, waiting"):
        assert words in mlp
    with Image.open(page.parent / PICTURES / "dcgan.png") as strip:
        assert strip.size == (256, 64)


def test_a_gallery_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no grid here"):
        make(GridFolder(tmp_path / "none"), tmp_path / "page.md", {})
    assert list(tmp_path.iterdir()) == []
