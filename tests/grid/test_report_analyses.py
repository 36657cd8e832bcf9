"""Analyses of cells in the report of a grid: a table with the tests of any score, pictures, refusals, damage."""

import json
import shutil
from pathlib import Path

import pytest
from support.subjects import FIXTURE

from gancore import analyze
from gancore.artifacts import analyses
from gancore.cli import main
from gancore.grid.folder import GridFolder

CELLS = ("discriminator=residual_seed=0", "discriminator=skip_seed=0")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a grid whose cells have droplets; one refuses another analysis, the other has a damaged record."""
    out = tmp_path_factory.mktemp("grid") / "grid"
    shutil.copytree(FIXTURE.parent / "grid", out)
    folder = GridFolder(out)
    for name in CELLS:
        run = folder.run(name)
        (record,) = analyze(run.path, ["droplets"], count=4, device="cpu")
        record.write(run.path / analyses.FOLDER)
    first, second = (folder.run(name).path / analyses.FOLDER for name in CELLS)
    (first / "rho.json").write_text(json.dumps({"analysis": "rho", "refused": "it has <none>"}))
    (second / "rho.json").write_text('{"analysis": 1}')
    assert main(["grid", "report", str(out)]) == 0
    return out


def test_numbers_stand_in_a_table_with_mean_and_tests(reported: Path) -> None:
    results = json.loads((reported / "report/results.json").read_text())
    score = next(cell for cell in results["cells"] if cell["name"] == CELLS[0])["final"]["droplets.score"]
    kept = json.loads((GridFolder(reported).run(CELLS[0]).path / "analyses/droplets.json").read_text())
    assert score["value"] == kept["numbers"]["score"]["value"]
    assert (score["higher_is_better"], score["samples"]) == (False, 4)
    assert "droplets.score" in results["scores"]
    assert [c["snapshot"] for c in results["comparisons"] if c["score"] == "droplets.score"] == ["final", "best"]
    text = (reported / "report/report.md").read_text()
    assert "## droplet score, final snapshot" in text
    assert "## droplet score, lowest" not in text  # the best model was not looked at


def test_pictures_refusals_and_damage_are_shown(reported: Path) -> None:
    page = (reported / "report/report.html").read_text()
    assert page.count('alt="droplets of discriminator=') == 2
    assert "it has &lt;none&gt;" in page
    assert "analyses/rho.json: " in page


def test_a_record_names_no_file_outside_of_its_folder(reported: Path) -> None:
    run = GridFolder(reported).run(CELLS[0])
    record = analyses.RecordedAnalysis(analysis="x", files=["../../secret.png", "/etc/passwd.png"])
    assert analyses.picture_of(run, record) is None
