"""What notebooks show of runs, generators, samples, scores, analyses and grids; the process stays as it was."""

import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.made_up_grids import made_up
from support.tiny import QUICK, tiny_mapping

import gancore
from gancore import cli, display
from gancore.artifacts import RunFolder
from gancore.errors import ConfigError, GancoreError, Interrupted, RunError
from gancore.training.trainer import Trainer
from scripts.notebook import FILE, MOST, differences, executed

ELSEWHERE = ("PYTEST_CURRENT_TEST", "TORCHINDUCTOR_CACHE_DIR")
"""Variables that pytest sets, and torch when it imports its compiler, with sympy."""


def state() -> dict[str, Any]:
    """Everything of a process that these calls might change."""
    return {
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "environment": {key: value for key, value in os.environ.items() if key not in ELSEWHERE},
        "warnings": [each for each in warnings.filters if not each[2].__module__.startswith("sympy")],
        "folder": os.getcwd(),
        "threads": torch.get_num_threads(),
        "random numbers": torch.get_rng_state().tolist(),
        "gradients": torch.is_grad_enabled(),
        "hook": sys.excepthook,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return gancore.train(tiny_mapping(), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = state()
    yield
    assert state() == before


def test_a_run_shows_its_state_and_samples(run: RunFolder) -> None:
    assert repr(run) == f"<run {run}: done, 0.064 kimg>"
    assert "loss/G" in run._repr_html_()
    assert "data:image/png;base64," in run._repr_html_()
    assert "fakes-000000.064.png" in run._repr_html_()


def test_a_run_without_its_files_says_so(run: RunFolder, tmp_path: Path) -> None:
    empty = RunFolder(tmp_path / "<b>")
    assert "no run here yet" in repr(empty)
    assert "&lt;b&gt;" in empty._repr_html_()
    empty.samples.mkdir(parents=True)
    empty.config.write_text("training: {kimg: x}")
    (empty.samples / "fakes-000001.000.png").write_bytes(b"no picture")
    assert "config.yaml is damaged" in repr(empty)
    assert "fakes-000001.000.png cannot be read" in empty._repr_html_()


def test_an_interrupted_run_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def interrupted(self: Trainer) -> None:
        step(self)
        signal.raise_signal(signal.SIGINT)  # as the button of a notebook does

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", interrupted)
        with pytest.raises(Interrupted) as stopped:
            gancore.train(tiny_mapping(**QUICK), tmp_path / "run")
    assert stopped.value._render_traceback_() == [f"Interrupted: {stopped.value}"]
    found = gancore.show(tmp_path / "run")
    assert "stopped at 0.008 of 0.064 kimg; train the same experiment again to continue" in repr(found)
    assert "done, 0.064 kimg" in repr(gancore.train(tiny_mapping(**QUICK), tmp_path / "run"))


def test_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="neither a run nor a grid"):
        gancore.show(tmp_path)


def test_a_generator_has_one_line(run: RunFolder) -> None:
    G = gancore.load(run.path)
    assert repr(G) == "<Skip: images [N, 3, 16, 16], z_dim 8, num_ws 6, w_dim 8, parameters 3,042>"
    assert "3,042" in G._repr_html_()


def test_samples_are_those_of_the_command(run: RunFolder, tmp_path: Path) -> None:
    made = gancore.sample(run.path, 5, seed=3, truncation_psi=[0.5, 1])
    assert repr(made) == "<10 images [N, 3, 16, 16]>"
    options = ["--count", "5", "--seed", "3", "--truncation-psi", "0.5", "--truncation-psi", "1"]
    assert cli.main(["sample", str(run), *options, "--out", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes() == made.save(tmp_path / "b.png").read_bytes()
    (tmp_path / "c.png").write_bytes(made._repr_png_())
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "c.png") as c:
        factor = c.width // a.width
        assert c.size == (a.width * factor, a.height * factor)
        assert c.width >= display.LEAST
        assert a.tobytes() == c.reduce(factor).tobytes()
    G = gancore.load(run.path)
    assert torch.equal(gancore.sample(G, 5, seed=3).images, made.images[5:])
    with pytest.raises(GancoreError, match="exclude each other"):
        gancore.sample(G, 5, seeds=[1])
    with pytest.raises(GancoreError, match="this model has no names of classes"):
        gancore.sample(G, label="cats")


def test_scores_and_analyses(run: RunFolder) -> None:
    scores = gancore.evaluate(run.path, ["fid"], features="embedded", samples=32, reals=32)
    assert [type(score).__name__ for score in scores] == ["Score"]
    assert re.fullmatch(r"\[<fid\[embedded\] [\d.]+ \(32 samples, seed 0\)>\]", repr(scores))
    assert "fid" in scores._repr_html_()
    records = gancore.analyze(run.path, ["truncation"], count=4)
    assert len(repr(records)) < 100
    assert "diversity_at_half" in records._repr_html_()
    assert "data:image/" in records._repr_html_()


def test_a_grid_shows_its_cells(tmp_path: Path) -> None:
    folder = made_up(tmp_path, {"axes": {"loss": ["hinge", "saturating"]}}, {"loss=hinge": {"state": "done"}})
    assert repr(folder) == f"<grid {tmp_path}: 2 cells: 1 waiting, 1 done>"
    folder.run("loss=hinge").samples.mkdir(parents=True)
    Image.new("RGB", (200, 200)).save(folder.run("loss=hinge").samples / "fakes-000001.000.png")
    assert "loss=saturating" in folder._repr_html_()
    assert "data:image/webp;base64," in folder._repr_html_()
    assert repr(gancore.show(tmp_path)) == repr(folder)


@pytest.mark.slow  # the cell is a process of its own
def test_a_grid_is_a_call(tmp_path: Path) -> None:
    axes = {"training.batch": [4, "x"]}
    mapping = {**tiny_mapping(**QUICK, training__kimg=0.004), "grid": {"axes": axes}}
    with pytest.raises(ConfigError, match=r"training\.batch: expected a whole number"):
        gancore.grid(mapping, tmp_path / "grid")
    axes["training.batch"] = [4]
    assert "1 cells: 1 done" in repr(gancore.grid(mapping, tmp_path / "grid"))


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    Image.new("RGB", (2000, 1000)).save(tmp_path / "a.webp")
    assert len(display.png(Image.open(tmp_path / "a.webp"))) < 10_000
    assert "data:image/webp" in display.picture(tmp_path / "a.webp")


def test_the_notebook_of_the_documentation() -> None:
    """Executed by `.ci/run`; here: its size, and that what is checked there can fail."""
    import json

    stored = json.loads(FILE.read_text("utf-8"))
    assert FILE.stat().st_size < MOST
    codes = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in codes] == [*range(1, len(codes) + 1)]
    small = {"cells": [{"cell_type": "code", "metadata": {}, "source": ["print(1)\n", "2"]}]}
    done = executed(small)
    assert [output["output_type"] for output in done["cells"][0]["outputs"]] == ["stream", "execute_result"]
    assert len([*differences(small, done)]) == 1
    assert not [*differences(done, executed(small))]
