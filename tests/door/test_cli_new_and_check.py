"""`gancore plugins new` writes plugins that `gancore plugins check` passes; check finds planted faults."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from support.tiny import tiny_experiment, tiny_mapping

from gancore import cli
from gancore.artifacts import load
from gancore.artifacts.model import save_model
from gancore.cli.plugin_skeletons import COMMANDS, USES, class_name, kind_of
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.discovery import discover
from gancore.nn.layers import Weighted
from gancore.registry import PluginSpec


def run(*args: str | Path) -> int:
    return cli.main(list(map(str, args)))


BRIEF = ("loss", "dataset", "metric", "feature")
"""Kinds whose check takes a moment; the slow tests write and check all."""


@pytest.mark.parametrize(
    "kind", [kind if kind in BRIEF else pytest.param(kind, marks=pytest.mark.slow) for kind in (*USES, *COMMANDS)]
)
def test_a_new_plugin_passes_its_check(tmp_path: Path, capsys, kind: str):
    assert run("plugins", "new", kind, "my_own", "--dir", tmp_path / "sub") == 0
    file = tmp_path / "sub/my_own.py"
    assert "skeleton" not in file.read_text().lower()
    assert run("plugins", "check", "--kind", kind_of(kind), f"{file}:MyOwn") == 0
    assert all(line.startswith("ok ") for line in capsys.readouterr().out.splitlines()[-5:])


@pytest.mark.parametrize("kind", USES)
def test_the_lines_it_prints_use_the_plugin(tmp_path: Path, capsys, kind: str):
    run("plugins", "new", kind, "my_own", "--dir", tmp_path)
    lines = capsys.readouterr().out.split("\n\n")[1]
    experiment = yaml.safe_load(lines)
    assert experiment["plugins"] == {kind_of(kind): {"my_own": "./my_own.py:MyOwn"}}
    assert "my_own" in str(experiment.pop("plugins") and experiment)


def test_a_new_format_writes_what_it_reads(tmp_path: Path, capsys):
    """By the command that `new` prints."""
    made = compose(tiny_experiment()).generator
    save_model(tmp_path / "model.safetensors", made, tiny_experiment(), {})
    run("plugins", "new", "format", "mine", "--dir", tmp_path)
    command = capsys.readouterr().out.split("\n\n")[1].split()
    assert command[:3] == ["gancore", "import", "FILE"]
    plugin = command[-1]
    assert run("export", tmp_path / "model.safetensors", "--format", plugin, "-o", tmp_path / "x.pt") == 0
    assert run("import", tmp_path / "x.pt", "--format", plugin, "-o", tmp_path / "again.safetensors") == 0
    again = load(tmp_path / "again.safetensors")
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())
    assert run("import", tmp_path / "x.pt", "-o", tmp_path / "other.safetensors") == 2
    assert "of no known format" in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path: Path, capsys):
    (tmp_path / "mine.py").write_text("precious")
    assert run("plugins", "new", "loss", "mine", "--dir", tmp_path) == 2
    assert (tmp_path / "mine.py").read_text() == "precious"
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Mine", "../mine", "mine.py", "2mine", ""])
def test_a_bad_name_writes_nothing(tmp_path: Path, capsys, name: str):
    assert run("plugins", "new", "loss", name, "--dir", tmp_path) == 2
    assert list(tmp_path.iterdir()) == []
    assert "lower-case letters" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hinge", "none"])
def test_a_name_that_an_experiment_could_not_use_writes_nothing(tmp_path: Path, capsys, name: str):
    assert run("plugins", "new", "loss", name, "--dir", tmp_path) == 2
    assert list(tmp_path.iterdir()) == []
    assert "choose another" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_weight_normalizations_reach_new_networks(tmp_path: Path, kind: str):
    """Of their own kind and the built-in one, in one composition, forwards and backwards."""
    run("plugins", "new", kind, "mine", "--dir", tmp_path)
    run("plugins", "new", "weight_normalization", "unit", "--dir", tmp_path)
    network = {"use": "mine", "normalization": "instance", "weight_normalization": "unit"}
    plugins = {kind: {"mine": "./mine.py:Mine"}, "normalization": {"unit": "./unit.py:Unit"}}
    experiment = tiny_mapping(**{kind: network, "plugins": plugins, "regularizers": {"r1": {"interval": 1}}})
    gan = compose(load_experiment(experiment, base=tmp_path), Interface(16, 3))
    made = gan.modules()[kind]
    weights = [part for part in made.modules() if isinstance(part, Weighted)]
    assert len(weights) >= 5
    for part in weights:
        torch.testing.assert_close(part.effective_weight().flatten(1).norm(dim=1), torch.ones(len(part.weight)))
    images = gan.generator.synthesis(gan.generator.mapping(torch.randn(4, gan.generator.z_dim)))
    sum(head.sum() for head in gan.discriminator(images)).backward()
    assert all(p.grad is not None for p in made.parameters())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert run("plugins", "new", "loss", "mine", "--dir", tmp_path / "file/sub") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_class_names():
    assert [class_name(name) for name in ("mine", "my_own", "r1_gp2")] == ["Mine", "MyOwn", "R1Gp2"]


SPECS = [spec for spec in discover().specs() if spec.distribution == "gancore"]
SAMPLE = [spec for spec in SPECS if spec.name in ("uniform", "fid", "nvidia", "csv", "truncation")]
"""Of kinds whose check takes a moment; the slow tests check them all."""


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=f"{spec.kind}-{spec.name}", marks=[] if spec in SAMPLE else [pytest.mark.slow])
        for spec in SPECS
    ],
)
def test_every_first_party_plugin_passes(capsys, monkeypatch, spec: PluginSpec):
    """Where weights would have to be fetched, that is said: here is no network."""
    monkeypatch.setattr("socket.getaddrinfo", _no_network)
    assert run("plugins", "check", spec.kind, spec.name) == 0
    assert capsys.readouterr().out.startswith("ok    loads")


def _no_network(*args, **kwargs):
    raise OSError("no network in tests")


SCALARS = """    def scalars(self):
        return {"x": torch.ones(3)}

    def penalty"""
REQUIRES = """    requires = {"generatro:ws": "why"}

    def d("""
PROBLEMS = """    @classmethod
    def problems(cls, cfg, context):
        return 1 / 0

    def d("""

FAULTS = {
    "shape": (
        "normalization",
        "return centred",
        "return y[:, :1]; centred",
        "expected shape [4, 8, 16, 16], got [4, 1",
    ),
    "not finite": ("normalization", "return centred", "return centred / 0", "statistic: expected finite values"),
    "no gradient": ("normalization", "return centred", "return y.detach(); centred", "expected finite, got none for y"),
    "batch of one": ("normalization", "dim=(2, 3)", "dim=0", "parts=2: expected that of each half"),
    "one by one": ("normalization", "variance = ", "assert len(y) > 1; variance = ", "AssertionError (*)"),
    "required option": ("normalization", "Field(1e-8, ", "Field(", "some must be given: eps: Field required"),
    "contract": ("loss", "(Loss)", "", "is not derived from gancore.contracts.Loss"),
    "not built": ("generator", "super().__init__(cfg, interface, normalize)", "nn.Module.__init__(self)", "super().__"),
    "summed loss": (
        "loss",
        "return F.softplus(-fake)",
        "return F.softplus(-fake).sum()",
        "g: expected shape [4], got []",
    ),
    "raises": ("loss", "return F.softplus(-fake)", "return fake.nothing", "has no attribute 'nothing' (*)"),
    "own randomness": (
        "augmentation",
        "+ change",
        "+ image.new_empty(1).normal_()",
        "expected the same output for the same",
    ),
    "not cheap": ("dataset", "astype(np.uint8)", "astype(np.float32)", "[H, W, C], got float32"),
    "ws": ("generator", ".unsqueeze(1)", "", "mapping: expected shape [4, 1, 64]"),
    "noise": ("generator", "(self.to_rgb(x),)", "(self.to_rgb(x) * x.new_empty(1).normal_(),)", "the same output"),
    "heads": ("discriminator", "(logits,)", "(logits[:1],)", "head: expected shape [4, ...], got [1]"),
    "side": ("regularizer", '= "discriminator"', '= "both"', "side is 'both', and should be"),
    "penalty": ("regularizer", "stack(squares)", "stack(squares).mul(float('nan'))", "penalty: expected finite values"),
    "penalty's shape": ("regularizer", ".sum(0)", "[None]", "penalty: expected shape [4], a value a sample"),
    "no penalty gradient": ("regularizer", "logits.square()", "logits.detach().square()", "discriminator, got none"),
    "scalars": ("regularizer", "    def penalty", SCALARS, "got 'x' of shape [3]"),
    "requires": ("loss", "    def d(", REQUIRES, "no 'generatro'; did you mean 'generator'?"),
    "requires no reason": ("loss", "    def d(", "    requires = {'generator:ws'}\n\n    def d(", "a mapping"),
    "provides": ("loss", "    def d(", "    provides = 'ws'\n\n    def d(", "expected a set of words"),
    "problems": ("loss", "    def d(", PROBLEMS, "ZeroDivisionError: division by zero (*)"),
    "reserved option": ("regularizer", "interval: int", "use: int = 1\n        interval: int", "got use, which cannot"),
    "exit": ("loss", "return F.softplus(-fake)", "raise SystemExit(0)", "SystemExit: 0 (*)"),
}
"""What is replaced in a new plugin of a kind, and what the check says; (*) stands for the file and a line."""


QUICK = ("not finite", "required option", "contract", "not built", "not cheap", "side", "exit")
"""Faults that are found in a moment, of several kinds; the slow tests plant them all."""


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "message"),
    [
        pytest.param(*fault, id=name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name, fault in FAULTS.items()
    ],
)
def test_check_finds_what_is_wrong(tmp_path: Path, capsys, kind: str, right: str, wrong: str, message: str):
    run("plugins", "new", kind, "mine", "--dir", tmp_path)
    file = tmp_path / "mine.py"
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong))
    code = run("plugins", "check", "--kind", kind, f"{file}:Mine")
    shown = capsys.readouterr()
    pattern = re.escape(message).replace(re.escape("(*)"), rf"\({re.escape(str(file))}:\d+\)")
    assert re.search(pattern, shown.out + shown.err)
    assert "Traceback" not in shown.err
    assert code == (0 if "must be given" in message else 2)


@pytest.mark.parametrize(
    "args", [["nothing"], ["a", "b", "c"], ["loss", "hinge", "--kind", "loss"], [], ["missing.py"]]
)
def test_check_wants_one_plugin(args: list[str]):
    assert run("plugins", "check", *args) == 2
