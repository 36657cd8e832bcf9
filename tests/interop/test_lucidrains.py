"""The settings beside a checkpoint of lucidrains/stylegan2-pytorch."""

import shutil
from pathlib import Path

import pytest
from support.golden_cases import OWN

from gancore.errors import CheckpointError
from gancore.interop import import_checkpoint

FILE = "g05_lucidrains_r16_model_3.pt"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copy(OWN / FILE, tmp_path / "model_3.pt"))


def test_the_learning_rate_of_the_mapping_is_in_the_settings(checkpoint: Path) -> None:
    checkpoint.with_name(".config.json").write_text('{"lr_mlp": 0.25, "image_size": 16}')
    imported = import_checkpoint(checkpoint)
    assert imported.snapshot.average.options["mapping"]["lr_multiplier"] == 0.25
    assert not any("lr_mlp" in line for line in imported.snapshot.left)


def test_without_settings_the_default_is_assumed_and_said(checkpoint: Path) -> None:
    imported = import_checkpoint(checkpoint)
    assert imported.snapshot.average.options["mapping"]["lr_multiplier"] == 0.1
    assert any("lr_mlp is taken to be 0.1" in line for line in imported.snapshot.left)


@pytest.mark.parametrize(
    "text", ["{", '{"lr_mlp": "x"}', '{"lr_mlp": 0}', '{"lr_mlp": 1e999}', "[]", "\x00", "[" * 9999]
)
def test_damaged_settings_are_refused_in_one_line(checkpoint: Path, text: str) -> None:
    checkpoint.with_name(".config.json").write_text(text)
    with pytest.raises(CheckpointError, match="settings beside it that cannot be used") as raised:
        import_checkpoint(checkpoint)
    assert "\n" not in str(raised.value)
