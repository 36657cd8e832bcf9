"""What the benchmark of a training step says: its arithmetic, its phases, and peers that are not there."""

import argparse
import io
import json
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import worker
from benchmarks.configuration import Subject
from benchmarks.contest import Result, Worker, take_turns
from benchmarks.iteration import END, FORWARD, INTERVALS
from benchmarks.ours import our_flops, our_intervals, our_phases, our_trainer
from benchmarks.peers import PEERS
from benchmarks.report import summary, table
from benchmarks.train_step import peer

OFFICIAL = """
from torch import nn

class Mapping(nn.Linear):
    def forward(self, z, c):
        return super().forward(z)[:, None]

class Generator(nn.Module):
    def __init__(self, z_dim, c_dim, w_dim, img_resolution, img_channels, mapping_kwargs, synthesis_kwargs):
        super().__init__()
        self.mapping = Mapping(z_dim, w_dim)
        self.layer, self.shape = nn.Linear(w_dim, img_channels * img_resolution**2), (img_channels, img_resolution)

    def synthesis(self, ws):
        return self.layer(ws[:, 0]).tanh().view(-1, *self.shape, self.shape[1])

class Discriminator(nn.Module):
    def __init__(self, c_dim, img_resolution, img_channels, channel_base, channel_max, num_fp16_res):
        super().__init__()
        self.layer = nn.Linear(img_channels * img_resolution**2, 1)

    def forward(self, images, c):
        return self.layer(images.flatten(1).tanh())
"""


def test_ratios_total_and_share() -> None:
    intervals = {"main": 1, "lazy": 4}
    slow = Result("textbook", intervals, {"main": [90, 100, 110], "lazy": [40.0] * 3}, peak_mb=200)
    fast = Result("ours", intervals, {"main": [50.0] * 3, "lazy": [20.0] * 3, "extra": [1.0] * 3}, peak_mb=100)
    flops = {"main": 1e9, "lazy": 4e8}
    rows = summary([slow, fast], {"ours": "textbook"}, flops, 4e10)
    assert [row["ms"]["total"] for row in rows] == [110, 55]
    assert rows[1]["ratio"] == {"main": 2, "lazy": 2, "total": 2}
    assert rows[1]["memory_ratio"] == 0.5
    assert rows[1]["share_of_limit"] == pytest.approx(0.5)  # 1.1 GFLOP in 55 ms of 40 GFLOP/s
    assert rows[0]["spread"]["main"] == pytest.approx(0.1)
    assert "2.00x" in table(rows, flops, 4e10)


def test_our_phases_are_those_of_the_reference() -> None:
    trainer = our_trainer(Subject(resolution=16))
    assert our_intervals(trainer) == INTERVALS
    assert set(our_phases(trainer)) == {FORWARD, *INTERVALS}
    before = [p.detach().clone() for p in trainer.gan.generator.parameters()]
    our_phases(trainer)["generator/main"]()
    assert any(not torch.equal(a, b) for a, b in zip(before, trainer.gan.generator.parameters(), strict=True))
    assert set(our_flops(Subject(resolution=16))) == set(INTERVALS) - {END}


FORWARD_OF_D = "return self.layer(images.flatten(1).tanh())"


def official(forward: str, folder: Path) -> Path:
    """A checkout of the official code, whose discriminator computes `forward`."""
    (folder / "training").mkdir(parents=True)
    (folder / "training/networks.py").write_text(OFFICIAL.replace(FORWARD_OF_D, forward))
    return folder


def peer_whose_discriminator(forward: str, folder: Path) -> Worker:
    return Worker("peer", "stylegan2-ada-pytorch", Subject(resolution=8), str(official(forward, folder)))


@pytest.mark.parametrize(
    ("forward", "error"), [(f'print("set up")\n        {FORWARD_OF_D}', None), ('raise KeyError("x")', "KeyError: 'x'")]
)
def test_a_worker_answers_phase_by_phase(
    forward: str, error: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = official(forward, tmp_path)
    subject = json.dumps(Subject(resolution=8).to_dict())
    monkeypatch.setattr(sys, "argv", ["worker", "stylegan2-ada-pytorch", subject, str(folder)])
    monkeypatch.setattr(sys, "stdin", io.StringIO("generator/main\ndiscriminator/main\n"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    worker.main()
    first, *answers = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["intervals"] == INTERVALS
    found = [list(answer) for answer in answers]
    assert found == ([["error"]] if error else [["wall", "cpu"], ["wall", "cpu"], ["peak_mb"]])
    assert answers[0].get("error") == error
    for name in [name for name in sys.modules if name.partition(".")[0] == "training"]:
        del sys.modules[name]


@pytest.mark.slow
def test_peers_that_print_fail_and_are_not_there_leave_each_other_alone(tmp_path: Path) -> None:
    with (
        Worker("peer", "stylegan3", Subject(), str(tmp_path)) as missing,
        peer_whose_discriminator('raise KeyError("x")', tmp_path / "a") as failing,
        peer_whose_discriminator(f'print("set up")\n        {FORWARD_OF_D}', tmp_path / "b") as sound,
    ):
        take_turns([missing, failing, sound], rounds=2, clock="wall")
    assert missing.result.error == "ModuleNotFoundError: No module named 'training'"
    assert failing.result.error == "KeyError: 'x'"
    assert sound.result.error is None
    assert sound.result.intervals == INTERVALS
    assert {phase: len(times) for phase, times in sound.result.times.items()} == dict.fromkeys(sound.phases, 2)
    assert sound.result.peak_mb > 10


def test_channels_of_a_peer_are_those_that_are_measured(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "from torch import nn\n"
        "class Discriminator(nn.Linear):\n"
        "    channels = {4: 512, 8: 512, 16: 512, 32: 512}\n"
        "    def __init__(self, size): super().__init__(1, self.channels[size])\n"
        "class Generator(Discriminator):\n"
        "    def __init__(self, size, style_dim, n_mlp): super().__init__(size)\n"
    )
    iteration = PEERS["rosinality"](tmp_path, 32)
    assert iteration.D.weight.shape[0] == 64


@pytest.mark.parametrize("text", ["stylegan3", "stylegan9=/tmp", "stylegan3="])
def test_peers_are_named_by_kind_and_path(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="KIND=PATH"):
        peer(text)
