"""What a plugin does wrong while it is loaded or built is told with its name, its file and its line."""

from pathlib import Path
from typing import Any

import pytest
from support.tiny import tiny_mapping

from gancore import cli
from gancore.cli.plugin_skeletons import write_skeleton
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.errors import DataError, PluginError
from gancore.registry import PluginSpec

INTERFACE = Interface(16, 3)


def build(folder: Path, kind: str, right: str, wrong: str) -> None:
    """Composes an experiment with a skeleton plugin in which `right` became `wrong`."""
    file = folder / "mine.py"
    if not file.exists():
        write_skeleton(kind, "mine", folder)
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong, 1))
    section = {"regularizer": {"mine": {}}, "generator": {"use": "mine", "normalization": "none"}}.get(kind, "mine")
    key = {"regularizer": "regularizers", "normalization": "generator__normalization"}.get(kind, kind)
    changes: dict[str, Any] = {"regularizers": {}, key: section, "plugins": {kind: {"mine": "./mine.py:Mine"}}}
    compose(load_experiment(tiny_mapping(**changes), base=folder), INTERFACE)


INIT = "\n    def __init__(self, *all):\n        "
SIDE = 'side: ClassVar[Network] = "discriminator"'
RAISING = {
    "loss": ("loss", "    def d(", INIT + "self.cfg = 1 / 0\n\n    def d(", "ZeroDivisionError: division by zero"),
    "exit": ("loss", "    def d(", INIT + "raise SystemExit(0)\n\n    def d(", "SystemExit: 0"),
    "network": ("generator", "self.num_ws = 1", "self.num_ws = no_such_name", "NameError: name 'no_such_name'"),
    "normalization": ("normalization", "    def st", INIT + "assert 1 > 2, 'no'\n\n    def st", "AssertionError: no"),
    "super": ("generator", "super().__init__(cfg, interface, normalize)", "pass", "AttributeError: cannot assign"),
}


@pytest.mark.parametrize(("kind", "right", "wrong", "told"), RAISING.values(), ids=RAISING)
def test_what_a_plugin_raises_is_told_with_its_line(tmp_path: Path, kind: str, right: str, wrong: str, told: str):
    with pytest.raises(PluginError) as error:
        build(tmp_path, kind, right, wrong)
    message, cause = str(error.value), error.value.__cause__
    assert message.startswith(f"{kind} 'mine' of {tmp_path / 'mine.py'} cannot be built: {told}")
    assert cause is not None
    file, _, line = message.rpartition("(")[2].removesuffix(")").rpartition(":")
    assert Path(file) == tmp_path / "mine.py"
    blamed = Path(file).read_text().splitlines()[int(line) - 1].strip()
    assert blamed in wrong or "self.mapping" in blamed or "self.z_dim" in blamed or "Mapping(" in blamed


FLAWS = {
    "no super": ("loss", "    def d(", INIT + "self.own = 1\n\n    def d(", "has to call super().__init__"),
    "mapping": ("generator", "self.mapping = ", "unused = ", "self.mapping is missing, a module that takes z"),
    "synthesis": ("generator", "self.synthesis = ", "unused = ", "self.synthesis is missing"),
    "z_dim": ("generator", "self.z_dim = self.w_dim", "self.w_dim", "self.z_dim is missing, the size of a latent z"),
    "num_ws": ("generator", "self.num_ws = 1", "self.num_ws = 1.5", "self.num_ws is 1.5, and should be a whole number"),
    "side": ("regularizer", SIDE, 'side = "both"', "side is 'both', and should be 'generator' or 'discriminator'"),
    "no side": ("regularizer", SIDE, "", "side is missing"),
    "interval": ("regularizer", "interval: int = Field(1, ge=1", "interval: float = Field(0.5, gt=0", "is 0.5"),
}


@pytest.mark.parametrize(("kind", "right", "wrong", "told"), FLAWS.values(), ids=FLAWS)
def test_what_a_built_plugin_lacks_is_told_in_words(tmp_path: Path, kind: str, right: str, wrong: str, told: str):
    with pytest.raises(PluginError, match=rf"{kind} 'mine' .* does not keep its contract") as error:
        build(tmp_path, kind, right, wrong)
    assert told in str(error.value)


@pytest.mark.parametrize("kind", ["loss", "generator", "discriminator", "regularizer", "normalization"])
def test_a_sound_plugin_is_built(tmp_path: Path, kind: str):
    build(tmp_path, kind, "", "")


def test_what_gancore_tells_already_is_told_as_it_is():
    def opened() -> None:
        raise DataError("no images here")

    spec = PluginSpec("dataset", "mine", "mine:Mine")
    with pytest.raises(DataError, match=r"^no images here$"), spec.blamed("cannot be built"):
        opened()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("def (", "SyntaxError: invalid syntax"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_told_with_its_line(tmp_path: Path, capsys, line: str, told: str):
    file = tmp_path / "mine.py"
    file.write_text(f"# first line\n{line}\n")
    assert cli.main(["plugins", "check", "--kind", "loss", f"{file}:Mine"]) == 2
    assert capsys.readouterr().err == f"loss 'mine' of {file} cannot be loaded: {told} ({file}:2)\n"
