"""Commands that look at grids and runs: status, clean, report, runs, cite, plan. See test_report_*.py for reports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.grid_files import load_grid, run_here, write_grid
from support.made_up_grids import NINE, G, cell, made_up

from gancore.artifacts.lock import waited_for
from gancore.artifacts.run import append_line
from gancore.cli import main
from gancore.config.sections.grid import StopEarly
from gancore.grid.state import CellState
from gancore.grid.status import status_of, summary
from gancore.grid.stop_early import hopeless


def test_looking_imports_no_torch(tmp_path: Path) -> None:
    made_up(tmp_path / "grid", NINE, {})
    code = (
        "import sys; from gancore.cli import main; "
        "codes = [main(['grid', what, sys.argv[1]]) for what in ('status', 'clean', 'report')]; "
        "codes.append(main(['runs', 'list', sys.argv[1]])); "
        "sys.exit(any(codes) or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "grid")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


def test_status_of_a_running_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made_up(
        tmp_path,
        {**NINE, "exclude": [{G: "original"}]},
        {
            cell("skip", "original"): {"state": "done", "at": 10, "fid": [80, 70]},
            cell("skip", "skip"): {"state": "waiting", "at": 4},
            cell("skip", "residual"): {"state": "waiting", "at": 5},
            cell("residual", "skip"): {"state": "failed", "at": 1, "reason": "not finite at step 3"},
        },
    )
    with waited_for(folder.lock(cell("skip", "residual"))):
        found = status_of(folder)
    assert found.counts == {"waiting": 2, "running": 1, "done": 1, "interrupted": 1, "failed": 1}
    running = found.cells[2]
    assert (running.kimg, running.seconds_left) == (5, pytest.approx(100))
    assert found.seconds_left == pytest.approx((5 + 6 + 2 * 10) * 1000 / 50)  # one at a time at 50 images/s
    assert summary(found).endswith("about 0:10:20 left")
    assert main(["grid", "status", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["cells"][0]["scores"] == {"fid": 70}
    assert told["cells"][4]["reason"] == "not finite at step 3"


def test_a_rule_looks_at_the_right_score_in_the_right_direction(tmp_path: Path) -> None:
    lines = [(1, 900.0, 0.1), (2, 90.0, 0.2)]
    for kimg, fid, recall in lines:
        scores = [{"name": "fid", "value": fid}, {"name": "recall", "value": recall, "higher_is_better": True}]
        append_line(tmp_path / "m", {"step": kimg, "kimg": kimg, "scores": scores})

    def verdict(metric: str, after_kimg: float, worse_than: float) -> bool:
        rule = StopEarly(metric=metric, after_kimg=after_kimg, worse_than=worse_than)
        return hopeless(tmp_path / "m", [rule]) is not None

    assert verdict("fid", 1, 100)
    assert not verdict("fid", 2, 100)
    assert not verdict("fid", 3, 1)
    assert verdict("recall", 2, 0.3)
    assert not verdict("recall", 2, 0.2)
    assert not verdict("kid", 0, 0)


def test_a_rule_on_a_metric_holds_whatever_features_it_was_seen_through(tmp_path: Path) -> None:
    rule = StopEarly(metric="fid", after_kimg=1, worse_than=100)

    def judged(*names: str) -> bool:
        (tmp_path / "m").unlink(missing_ok=True)
        scores = [{"name": name, "value": 300.0} for name in names]
        append_line(tmp_path / "m", {"step": 1, "kimg": 1, "scores": scores})
        return hopeless(tmp_path / "m", [rule]) is not None

    assert judged("fid[embedded]", "kid[embedded]")
    assert not judged("fid[embedded]", "fid[timm:resnet18]")  # which one is meant?
    assert not judged("fid_clip[embedded]")


def test_clean_lists_first_and_deletes_what_it_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    retention = {"checkpoints": 0, "failed": False, "dropped": False}
    states = {"seed=0": {"state": "done", "at": 10}, "seed=1": {"state": "failed", "at": 1}, "seed=2": {"at": 3}}
    folder = made_up(tmp_path / "grid", {"seeds": [0, 1, 2], "retention": retention}, states)
    for seed in (0, 2):
        (folder.run(f"seed={seed}").path / "checkpoint-000000.001.safetensors").write_bytes(b"x" * 1000)
    folder.write(CellState("seed=9", state="done"))
    before = sorted(folder.path.rglob("*"))
    assert main(["grid", "clean", str(folder.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(folder.path.rglob("*")) == before
    assert [Path(item["path"]).relative_to(folder.cells).as_posix() for item in told] == [
        "seed=0/checkpoint-000000.001.safetensors",
        "seed=1",
        "seed=9.json",
    ]
    assert main(["grid", "clean", str(folder.path), "--yes"]) == 0
    assert [Path(item["path"]).exists() for item in told] == [False] * 3
    assert folder.run("seed=2").checkpoints()


def test_no_grid_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("status", "clean", "report"):
        assert main(["grid", command, str(tmp_path)]) == 2
        assert "no grid here" in capsys.readouterr().err


def test_runs_are_listed_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_here(load_grid(tmp_path / "g.yaml", {"seeds": [0, 1]}), tmp_path / "grid")
    capsys.readouterr()
    assert main(["runs", "list", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(Path(run["run"]).name, run["kimg"]) for run in listed] == [("seed=0", 0.016), ("seed=1", 0.016)]
    assert main(["cite", str(folder.path)]) == 0
    assert "generator skip" in capsys.readouterr().out
    assert main(["runs", "diff", *(str(folder.run(f"seed={seed}")) for seed in (0, 1))]) == 0
    assert capsys.readouterr().out == "name: seed-0 -> seed-1\ntraining.seed: 0 -> 1\n"
    assert main(["runs", "diff", str(folder.run("seed=0")), str(tmp_path)]) == 2


def test_papers_of_a_grid_and_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_grid(tmp_path / "g.yaml", {"axes": {"generator.normalization": ["pin", "adain"]}})
    assert main(["cite", str(file), "--json"]) == 0
    papers = {item["paper"]: item["parts"] for item in json.loads(capsys.readouterr().out)}
    assert papers["arXiv:2103.01090"] == ["normalization pin"]
    assert papers["arXiv:1703.06868"] == ["normalization adain"]
    assert "generator skip" in papers["arXiv:1912.04958"]
    assert "dataset emoji" in papers[None]
    assert main(["cite", str(file), "-o", "grid.axes={generator.normalization: [demod, pin]}"]) == 0
    assert "https://arxiv.org/abs/2103.01090" in capsys.readouterr().out


def test_plan_prints_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_grid(tmp_path / "g.yaml", {"axes": {G: ["skip", "original"]}})
    assert main(["plan", str(file), "--assume-throughput", "10"]) == 0
    assert "2 cells: 0.00 hours on 1 worker" in capsys.readouterr().out
    assert main(["plan", str(file), "--assume-throughput", "10", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["cells"]) == 2
    assert main(["plan", str(file), "--assume-throughput", "fast"]) == 2
