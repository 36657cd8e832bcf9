"""What a forecast says, against closed forms, published numbers and the files of a run."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.grid_files import load_grid
from support.tiny import QUICK, quick_experiment, tiny_experiment
from torch.utils.flop_counter import FlopCounterMode

from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.cost.flops import StepCost, blank_data, step_cost
from gancore.cost.forecast import Throughput, forecast
from gancore.cost.probe import probe
from gancore.cost.sizes import meta_networks, size_of
from gancore.errors import GancoreError
from gancore.grid.cells import experiments_of
from gancore.training import train
from gancore.training.disk import LOG_TICK, Size, files
from gancore.training.trainer import Trainer

TINY = Interface(8, 3)
SMALL = {"data__resolution": 8}
META = torch.device("meta")


@pytest.mark.parametrize(
    ("base", "generator", "discriminator"), [(16384, 24_900_764, 24_038_161), (32768, 30_370_060, 29_012_513)]
)
def test_parameters_of_stylegan2(base: int, generator: int, discriminator: int) -> None:
    """Configurations E and F at 1024x1024, as counted from the published code."""
    channels = {"base": base, "max": 512}
    experiment = load_experiment({"data": {"use": "emoji", "resolution": 1024}, "generator": {"channels": channels}})
    size = size_of(experiment, Interface(1024, 3))
    assert size.parameters == {"generator": generator, "discriminator": discriminator}


@pytest.mark.parametrize("optimizer", [{"use": "adam"}, {"use": "sgd", "lr": 0.01, "momentum": 0.5}])
def test_sizes_of_files(tmp_path: Path, optimizer: dict[str, Any]) -> None:
    experiment = tiny_experiment(**SMALL, training__kimg=0.008, training__log_kimg=0.008, training__optimizer=optimizer)
    run = train(experiment, tmp_path / "run")
    size, header = size_of(experiment, TINY), 50_000  # names and descriptions
    assert 0 <= run.checkpoints()[0].stat().st_size - size.checkpoint < header
    assert 0 <= run.model.stat().st_size - size.model < header
    assert 0.5 < run.fakes(0).stat().st_size / size.samples < 1.5
    assert run.log.stat().st_size + sum(path.stat().st_size for path in run.events.iterdir()) < 2 * LOG_TICK


def test_samples_and_logs_count() -> None:
    size = Size(generator=0, discriminator=0, model=0, checkpoint=0, samples=7_000_000)
    long = quick_experiment(training__kimg=25_000, training__sample_kimg=10, training__log_kimg=0.5)
    assert files(long.training, size) == 2503 * 7_000_000 + 50_000 * LOG_TICK
    thinned = quick_experiment(training__kimg=25_000, training__sample_kimg=10, training__keep_samples=100)
    assert files(thinned.training, size) < 101 * 7_000_000 + 25_000 / 0.016 * LOG_TICK + 1


def test_operations_are_those_that_torch_counts() -> None:
    """Without R1, which torch's own counter does not bear."""
    experiment = tiny_experiment(**SMALL, regularizers=None)
    trainer = Trainer(meta_networks(experiment, TINY), blank_data(TINY), experiment.training, META)
    with FlopCounterMode(display=False) as counter:
        for phase in trainer.phases:
            trainer.gradients(phase)
    assert step_cost(experiment, TINY).flops == counter.get_total_flops() / experiment.training.batch


def test_lazy_phases_count_by_their_share() -> None:
    def flops(**regularizers: Any) -> float:
        return step_cost(quick_experiment(regularizers=regularizers), TINY).flops

    none, every = flops(), flops(r1={"interval": 2}) - flops()
    assert every > 0
    assert flops(r1={"interval": 8}) - none == pytest.approx(every / 4)


def test_memory_grows_with_the_microbatch() -> None:
    path_length = {"regularizers": {"path_length": {}}, "generator__mapping": {"layers": 1}}
    small, large = (step_cost(tiny_experiment(**SMALL, **path_length, training__microbatch=m), TINY) for m in (2, 8))
    assert small.memory < large.memory
    assert small.flops == pytest.approx(large.flops, rel=0.3)  # path length takes half a microbatch, at least one


def test_throughput_in_images_or_operations() -> None:
    cost = StepCost(flops=2e12, memory=0)
    assert Throughput.parse("61").of(cost) == 61
    assert Throughput.parse("30TFLOP/s").of(cost) == 15
    for text in ("fast", "-1", "0", "3TFLOPS/h", ""):
        with pytest.raises(GancoreError, match="expected images/s"):
            Throughput.parse(text)


def test_hours_of_a_grid(tmp_path: Path) -> None:
    grid = {"axes": {"loss.use": ["hinge", "wasserstein"]}, "seeds": [0, 1, 2]}
    cells = experiments_of(load_grid(tmp_path / "g.yaml", grid, **QUICK, training__kimg=3.6))
    found = forecast(cells, 2, assumed=Throughput.parse("10"))
    assert [cell.hours for cell in found.cells] == [pytest.approx(0.1)] * 6
    assert found.hours == pytest.approx(0.3)
    assert found.disk == sum(cell.disk for cell in found.cells)


def test_a_plan_needs_no_data(tmp_path: Path) -> None:
    data = {"use": "folder", "path": "not-here-yet", "resolution": 16}
    cells = experiments_of(load_grid(tmp_path / "g.yaml", {"seeds": [0, 1]}, data=data))
    found = forecast(cells, assumed=Throughput.parse("10"))
    assert len(found.cells) == 2


def test_a_measurement_leaves_threads_and_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    evaluation = {"features": "embedded", "metrics": ["fid"], "samples": 64}
    found = forecast({"tiny": quick_experiment(training__threads=1, evaluation=evaluation)})
    assert found.basis == "measured on cpu, 1 threads a worker"
    assert found.cells[0].images_per_s
    assert found.hours
    assert torch.get_num_threads() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("metrics", "takes_time"), [(["fid"], True), (["fid", "kid"], True), ([], False)])
def test_evaluations_are_measured_where_there_are_any(metrics: list[str], takes_time: bool) -> None:
    evaluation = {"features": "embedded", "metrics": metrics, "samples": 64} if metrics else None
    found = probe(quick_experiment(training__threads=1, evaluation=evaluation), TINY, rounds=1)
    assert (found.evaluation_s or 0) > 0 if takes_time else found.evaluation_s == 0
