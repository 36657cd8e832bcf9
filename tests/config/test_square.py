"""Networks are square: another size is refused with that reason, and a square one may be written as two sides."""

from pathlib import Path

import pytest
from support.tiny import tiny_mapping

from gancore.cli import main
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.errors import ConfigError, GancoreError


def test_a_rectangle_is_refused_in_one_line_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("data: {use: emoji, resolution: [512, 384]}\ngenerator: skip\ndiscriminator: skip\n")
    assert main(["validate", str(file)]) == 2
    told = f"{file}:1: data.resolution: 512x384 is not square, and networks are; `fit` makes images square\n"
    assert capsys.readouterr().err == told


def test_a_square_may_be_two_sides() -> None:
    assert load_experiment(tiny_mapping(data__resolution=[8, 8])).data.core.resolution == 8
    with pytest.raises(ConfigError, match="resolution"):
        load_experiment(tiny_mapping(data__resolution=[8, 8, 8]))
    with pytest.raises(ConfigError, match="must be at most 1024"):
        load_experiment(tiny_mapping(data__resolution=[2048, 2048]))


def test_the_size_of_an_interface() -> None:
    interface = Interface(resolution=32, channels=3)
    assert (interface.size, interface.resolution) == ((32, 32), 32)
    assert Interface((32, 32), 3) == interface
    with pytest.raises(GancoreError, match="512x384 is not square, and networks are"):
        Interface((512, 384), 3)
