"""What a grid runs, skips, keeps and says; cells are trained in this process."""

import json
import os
import shutil
import signal
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.grid_files import InProcess, load_grid, run_here

from gancore.artifacts.run import append_line
from gancore.cli import main
from gancore.config import load_experiment
from gancore.config.sections.grid import StopEarly
from gancore.errors import ConfigError, GancoreError, Interrupted, RunError, RunFailed
from gancore.grid.cells import cells_of, identified
from gancore.grid.folder import GridFolder
from gancore.grid.run import Listener, run_grid
from gancore.grid.state import Outcome

TWO = {"axes": {"generator.use": ["skip", "original"]}}
SKIP, ORIGINAL = "generator=skip", "generator=original"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a grid of two cells that are done."""
    folder = tmp_path_factory.mktemp("grid")
    return run_here(load_grid(folder / "grid.yaml", TWO), folder / "out").path


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


def rerun(out: Path, grid: dict[str, Any] = TWO, executor: InProcess | None = None, **changes: Any) -> list[str]:
    """Names of the cells that another run of the grid works on."""
    executor = executor or InProcess()
    run_here(load_grid(out.parent / "grid.yaml", grid, **changes), out, executor)
    return executor.ran


def test_every_cell_is_a_run_of_its_own(finished: Path) -> None:
    folder = GridFolder(finished)
    for name in (SKIP, ORIGINAL):
        assert folder.run(name).model.is_file()
        assert (folder.run(name).samples / "fakes-000000.016.png").is_file()  # though sample_kimg is more than kimg
        state = folder.state(name)
        assert (state.state, state.attempts, state.threads, state.seed) == ("done", 1, 1, 0)
        assert state.data is not None
        assert state.data["count"] == 1906
    assert folder.state(SKIP).identity != folder.state(ORIGINAL).identity


def test_done_cells_are_skipped(copied: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")}
    assert rerun(copied) == []
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")} == before


def test_new_cells_are_run_and_renamed_ones_recognized(copied: Path) -> None:
    wider = {"axes": {**TWO["axes"], "discriminator.use": ["residual", "skip"]}, "exclude": [
        {"generator.use": "original", "discriminator.use": "skip"}]}  # fmt: skip
    assert rerun(copied, wider) == ["generator=skip_discriminator=skip"]
    assert GridFolder(copied).state("generator=skip_discriminator=residual").state == "done"


def test_longer_cells_go_on_where_they_were(copied: Path) -> None:
    assert rerun(copied, training__kimg=0.024) == [SKIP, ORIGINAL]
    said = GridFolder(copied).run(SKIP).log.read_text().splitlines()
    assert [json.loads(line)["step"] for line in said] == [2]  # log_kimg 0.016: steps 1 and 2 were not made again


def test_folder_of_another_grid_is_left_alone(copied: Path) -> None:
    before = (copied / "grid.yaml").read_text()
    with pytest.raises(RunError) as caught:
        rerun(copied, loss="hinge")
    assert str(caught.value).count("loss.use: non_saturating -> hinge") == 2
    assert (copied / "grid.yaml").read_text() == before


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").write_text("dear")
    with pytest.raises(RunError, match="not empty, and no grid"):
        rerun(tmp_path / "out")


def test_second_runner_is_refused(copied: Path) -> None:
    with GridFolder(copied).locked(), pytest.raises(RunError, match="another process is running this grid"):
        rerun(copied)


FAILING = Outcome(1, "Traceback (most recent call last):\n  ...\nValueError: this one does not work")
KILLED = Outcome(-9, "0.0/0.1 kimg")


def test_failures_keep_their_reason_and_kills_go_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(RunFailed, match="2 of 2 cells are not done") as caught:
        rerun(out, executor=InProcess(ends={SKIP: FAILING, ORIGINAL: KILLED}))
    assert f"{SKIP}: failed: ValueError: this one does not work" in str(caught.value)
    assert f"{ORIGINAL}: killed: ended by SIGKILL" in str(caught.value)
    again = InProcess()
    with pytest.raises(RunFailed, match="1 of 2 cells are not done; --retry-failed"):
        rerun(out, executor=again)
    assert again.ran == [ORIGINAL]
    folder = GridFolder(out)
    assert (folder.state(SKIP).exit_code, folder.state(SKIP).stderr) == (1, FAILING.said)
    experiment = load_grid(tmp_path / "grid.yaml", TWO)
    run_here(experiment, out, retry_failed=True)
    assert (folder.state(SKIP).state, folder.state(SKIP).reason, folder.state(SKIP).attempts) == ("done", None, 2)


def test_a_damaged_state_is_made_anew_from_the_run_folder(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = copied / "cells" / f"{SKIP}.json"
    file.write_text(file.read_text()[:50])
    assert main(["grid", "status", str(copied)]) == 0
    assert f"{SKIP}: {file}: not the state of a cell" in capsys.readouterr().out
    assert main(["grid", "clean", str(copied)]) == 0
    assert f"{SKIP}: damaged" in capsys.readouterr().err
    before = (GridFolder(copied).run(SKIP).model.stat().st_mtime_ns, GridFolder(copied).run(SKIP).log.read_text())
    assert rerun(copied) == [SKIP]
    folder = GridFolder(copied)
    assert [folder.state(name).state for name in (SKIP, ORIGINAL)] == ["done", "done"]
    assert (folder.run(SKIP).model.stat().st_mtime_ns, folder.run(SKIP).log.read_text()) == before  # no step again


def test_the_time_of_a_lost_attempt_lasts_until_its_last_word(copied: Path) -> None:
    folder = GridFolder(copied)
    state = folder.state(SKIP)
    before = state.seconds
    folder.write(replace(state, started=folder.run(SKIP).log.stat().st_mtime - 100, state="waiting"))
    assert rerun(copied) == [SKIP]
    after = folder.state(SKIP)
    assert after.attempts == 2
    assert after.seconds == pytest.approx(before + 100 + 1, abs=60)  # the process of this test took 1 s
    assert after.started is None


def test_cells_that_were_not_started_are_counted_only(tmp_path: Path) -> None:
    said: list[str] = []
    ends = dict.fromkeys((SKIP, ORIGINAL), Outcome(None, stopped=True))
    experiment = load_grid(tmp_path / "grid.yaml", TWO)
    with pytest.raises(RunFailed):
        run_grid(experiment, tmp_path / "out", InProcess(ends=ends), listener=Listener(said.append))
    assert said[1:] == ["2 cells were not started"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_interruption_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    ends = {SKIP: Outcome(3, "stopped", stopped=True), ORIGINAL: Outcome(None, stopped=True)}

    class Stopped(InProcess):
        def outcomes(self, jobs: Any) -> Any:
            os.kill(os.getpid(), number)
            for item in super().outcomes(jobs):
                yield item
                assert jobs[0].folder.stop.exists()  # the wish is passed on to the cells

    with pytest.raises(Interrupted, match="run the same command again to go on with 2 cells"):
        rerun(tmp_path / "out", executor=Stopped(ends=ends))
    folder = GridFolder(tmp_path / "out")
    assert [folder.state(name).state for name in (SKIP, ORIGINAL)] == ["interrupted", "waiting"]
    assert not folder.stop.exists()
    assert rerun(tmp_path / "out") == [SKIP, ORIGINAL]


FID = {"features": "embedded", "metrics": ["fid"], "samples": 4, "reals": 4}
RULE = {"metric": "fid", "after_kimg": 1, "worse_than": 100}


def test_stopped_cells_stay_stopped_until_the_rule_changes(tmp_path: Path) -> None:
    rule = StopEarly.model_validate(RULE)
    ends = {SKIP: Outcome(3, rule=rule, verdict="stopped early: fid 300 at 1 kimg is worse than 100")}
    stopping = {**TWO, "stop_early": [RULE]}
    assert rerun(tmp_path / "out", stopping, InProcess(ends=ends), evaluation=FID) == [SKIP, ORIGINAL]
    assert "fid 300" in str(GridFolder(tmp_path / "out").state(SKIP).reason)
    assert rerun(tmp_path / "out", stopping, evaluation=FID) == []
    assert rerun(tmp_path / "out", evaluation=FID) == [SKIP]


def test_a_cell_whose_data_cannot_be_opened_fails_alone(tmp_path: Path) -> None:
    axes = {"data": {"emoji": {"use": "emoji"}, "missing": {"use": "folder", "path": "nowhere"}}}
    with pytest.raises(RunFailed, match="1 of 2 cells are not done"):
        rerun(tmp_path / "out", {"axes": axes})
    state = GridFolder(tmp_path / "out").state("data=missing")
    assert state.state == "failed"
    assert f"{tmp_path / 'grid.yaml'}:" in str(state.reason)


def test_nothing_is_written_when_no_cell_has_data(tmp_path: Path) -> None:
    with pytest.raises(GancoreError, match="nowhere"):
        rerun(tmp_path / "out", data={"use": "folder", "path": "nowhere", "resolution": 16})
    assert not (tmp_path / "out").exists()


def test_disk_is_looked_at_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 10**5, 10**5))
    executor = InProcess()
    with pytest.raises(GancoreError, match=r"need \d\.\d MB, and 0\.1 MB are free"):
        rerun(tmp_path / "out", executor=executor)
    assert executor.ran == []


def test_a_grid_cannot_be_trained_as_one_run(tmp_path: Path) -> None:
    file = tmp_path / "grid.yaml"
    load_grid(file, TWO)
    assert main(["train", str(file), "--out", str(tmp_path / "run")]) == 2
    assert not (tmp_path / "run").exists()


def test_torchrun_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(GancoreError, match="without torchrun"):
        run_here(load_grid(tmp_path / "grid.yaml", TWO), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_without_a_grid_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no `grid:` section"):
        run_here(load_grid(tmp_path / "grid.yaml", None), tmp_path / "out")  # type: ignore[arg-type]


def test_scores_are_read_from_the_runs(copied: Path) -> None:
    run = GridFolder(copied).run(SKIP)
    score = {"name": "fid[embedded]", "spread": None, "higher_is_better": False}
    for step, value in ((1, 50.0), (2, 60.0)):
        append_line(run.metrics, {"step": step, "kimg": step * 0.008, "scores": [{**score, "value": value}]})
    assert main(["grid", "report", str(copied)]) == 0
    results = json.loads((copied / "report" / "results.json").read_text())
    cell = results["cells"][0]
    assert (cell["final"]["fid[embedded]"]["value"], cell["best"]["fid[embedded]"]["value"]) == (60, 50)
    assert (cell["axes"], cell["state"], cell["threads"]) == ({"generator.use": "skip"}, "done", 1)
    assert cell["parameters"]["generator"] > 1000
    assert results["too_short_to_rank"]
    report = (copied / "report" / "report.md").read_text()
    assert "Too short to rank" in report
    assert "60.00" in report
    assert (copied / "report" / "results.csv").read_text().splitlines()[1].endswith(",60.0,50.0,0.008")


LOSS = """from gancore_plugins.losses.non_saturating import NonSaturating


class Mine(NonSaturating):
    pass
"""


def test_the_grid_s_own_file_makes_the_same_cells(tmp_path: Path) -> None:
    """It is what the report prints to run the grid again, with plugins and experiments that only cells have."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.py").write_text(LOSS)
    for name, seed in (("a", 1), ("b", 2)):
        (home / f"{name}.yaml").write_text(f"training: {{seed: {seed}}}\n")
    axes = {"extends": ["a.yaml", "b.yaml"], "loss.use": ["hinge", "mine"]}
    plugins = {"loss": {"mine": "./mine.py:Mine"}}
    experiment = load_grid(home / "g.yaml", {"axes": axes}, training__seed=None, plugins=plugins)
    cells = identified(cells_of(experiment))
    ends = {cell.name: Outcome(None, stopped=True) for cell in cells}
    with pytest.raises(RunFailed):
        run_here(experiment, tmp_path / "out", InProcess(ends=ends))
    again = identified(cells_of(load_experiment(tmp_path / "out" / "grid.yaml")))
    assert {cell.name: cell.identity for cell in again} == {cell.name: cell.identity for cell in cells}
    assert len(cells) == 4
