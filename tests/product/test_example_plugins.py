"""The distributions under examples/plugins: against published code, two steps of each, and what they are for."""

import json
import shutil
import signal
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.distributions import write_dist_info
from support.fakes import FakeDraw
from support.golden_cases import Case, cases
from support.killing import run_child
from support.tiny import QUICK, assert_equal_bits, tiny_experiment, tiny_trainer, walked
from torch import Tensor
from torch.nn import functional as F

from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.contracts import Judged, Main
from gancore.discovery import discover
from gancore.errors import DataError
from gancore.nn import processes
from gancore.testing import check_plugin
from gancore.training.checkpoint import restore, state_of

FOLDER = Path(__file__).parents[2] / "examples" / "plugins"
KINDS = {
    "lecam": "regularizer",
    "bcr": "regularizer",
    "infogan": "regularizer",
    "dragan": "regularizer",
    "topk": "loss",
    "vectors": "dataset",
}
REQUIRED: dict[str, dict[str, Any]] = {}
"""Options without defaults, by plugin."""
each = pytest.mark.parametrize("name", KINDS)
DOUBLE = torch.float64


@pytest.fixture(autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All of them as pip would install them: folders on sys.path, entry points in a .dist-info."""
    site = tmp_path_factory.mktemp("site")
    for name in KINDS:
        project = tomllib.loads((FOLDER / name / "pyproject.toml").read_text())["project"]
        [(entry, value)] = project["entry-points"]["gancore"].items()
        write_dist_info(site, project["name"], project["version"], f"[gancore]\n{entry} = {value}\n")
        monkeypatch.syspath_prepend(FOLDER / name)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setitem(REQUIRED, "vectors", write_pictures(site / "pictures"))
    discover.cache_clear()
    yield
    discover.cache_clear()


def write_pictures(folder: Path) -> dict[str, Any]:
    """Twelve images of one colour, and the table of their colours."""
    folder.mkdir()
    colours = [(20 * n, 255 - 20 * n, n) for n in range(12)]
    for n, colour in enumerate(colours):
        Image.new("RGB", (8, 8), colour).save(folder / f"{n}.png")
    table = [["file", "red", "green", "blue"], *([f"{n}.png", *colour] for n, colour in enumerate(colours))]
    (folder / "table.csv").write_text("\n".join(",".join(map(str, line)) for line in table))
    return {"path": str(folder), "table": str(folder / "table.csv")}


def made(name: str, **options: Any) -> Any:
    plugin = discover().get(KINDS[name], name).load()
    return plugin(plugin.Config(**options)).double()


def changes(name: str, **options: Any) -> dict[str, Any]:
    """Small networks with it; what needs features has the smallest that have some."""
    ways = {
        "loss": {"loss": {"use": name, **options}},
        "regularizer": {"regularizers": {name: options}},
        "dataset": {"data": {"use": name, **REQUIRED.get(name, {}), **options, "resolution": 8, "labels": True}},
    }
    chosen = ways[KINDS[name]]
    with_features = {"generator__mapping": {"layers": 1}, "data__resolution": 8, "discriminator": "residual"}
    return {
        "training__batch": 4,
        **(with_features if name in ("infogan", "vectors") else QUICK),
        "regularizers": {},
        **chosen,
    }


@dataclass
class LogitsStep:
    """A step whose main loss saw given logits, and whose D gives others."""

    real: Tensor
    fake: Tensor
    others: Tensor | None = None
    kimg: float = 0.0
    images: Tensor = field(default_factory=lambda: torch.zeros(0, 3, 8, 8))

    @property
    def main(self) -> Main:
        fakes: Any = SimpleNamespace(images=(self.images[: len(self.fake)],), label=None)
        return Main(fakes, judged(self.fake), judged(self.real))

    def mean(self, values: Tensor) -> Tensor:
        return processes.mean(values.mean())


def judged(logits: Tensor, **outputs: Tensor) -> Judged:
    return Judged(None, (logits,), {word: (value,) for word, value in outputs.items()})


ON_PURPOSE = {
    "lecam": ["every option changes something", "a penalty changes its network"],  # not in its first updates
    "topk": ["microbatches have the gradient of the batch"],  # the best of a part are not those of the batch
}
"""Example to the rules that it breaks, and why."""


@each
def test_it_keeps_its_contract(name: str) -> None:
    plugin = discover().get(KINDS[name], name).load()
    check_plugin(plugin, without=ON_PURPOSE.get(name, []), **REQUIRED.get(name, {}))


@each
def test_two_steps_are_the_same_in_one_run_and_in_two(name: str) -> None:
    straight, first, second = (tiny_trainer(**changes(name)) for _ in range(3))
    tensors, about = state_of(walked(first, 1))
    restore(second, {key: value.clone() for key, value in tensors.items()}, json.loads(json.dumps(about)))
    assert_equal_bits(state_of(walked(straight, 2))[0], state_of(walked(second, 1))[0])
    assert straight.first_bad_step() is None


@pytest.mark.parametrize("case", cases("s04_lecam"), ids=str)
def test_lecam_is_that_of_published_code(case: Case) -> None:
    starts = {name.split(".")[0] for name in case.tensors if name.endswith(".reg64") and "start0" not in name}
    assert starts
    for prefix in starts:
        decay, start = prefix.removeprefix("decay").replace("p", ".").split("_start")
        plugin = made("lecam", weight=1, decay=float(decay), start=int(start))
        for i, (real, fake) in enumerate(
            zip(*(case.tensors[f"logits_{s}"].double() for s in ("real", "fake")), strict=True)
        ):
            real, fake = real.requires_grad_(), fake.requires_grad_()
            penalty = plugin.penalty(LogitsStep(real, fake))
            gradients = torch.autograd.grad(penalty, (real, fake))
            plugin.after_update()
            want = case.tensors[f"{prefix}.reg64"][i]
            torch.testing.assert_close(penalty.detach(), want, rtol=1e-7, atol=1e-12)
            torch.testing.assert_close(plugin.averages, case.tensors[f"{prefix}.ema64"][i], rtol=1e-7, atol=1e-8)
            for got, side in zip(gradients, ("real", "fake"), strict=True):
                torch.testing.assert_close(got, case.tensors[f"{prefix}.grad_{side}64"][i], rtol=1e-7, atol=1e-7)


def test_lecam_needs_no_pass_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = {}
    for name, options in {"none": {"regularizers": {}}, "lecam": {}}.items():
        trainer, seen = tiny_trainer(**{**changes("lecam"), **options}), []
        trainer.gan.discriminator.register_forward_hook(lambda *_, seen=seen: seen.append(1))
        walked(trainer, 1)
        passes[name] = len(seen)
    assert passes["lecam"] == passes["none"]


def test_lecam_has_the_same_numbers_with_a_pass_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same penalty, bit for bit; gradients of one pass are those of two, but for the order of a sum."""
    plugin = discover().get("regularizer", "lecam").load()
    once = plugin.penalty
    found: list[Tensor] = []

    def twice(self: Any, step: Any) -> Tensor:
        fakes = step.main.fakes
        images = tuple(torch.cat(pair) for pair in zip(step.real, fakes.images, strict=True))
        real, fake = (Judged(None, (half,), {}) for half in step.discriminate(images, None, parts=2)[0].chunk(2))
        again: Any = SimpleNamespace(main=Main(fakes, fake, real), mean=step.mean)
        return once(self, again)

    gradients = []
    for penalty in (once, twice):

        def noted(self: Any, step: Any, penalty: Any = penalty) -> Tensor:
            found.append(penalty(self, step))
            return found[-1]

        monkeypatch.setattr(plugin, "penalty", noted)
        options = changes("infogan") | {"regularizers": {"lecam": {"start": 1}}}  # no dropout in D
        trainer = walked(tiny_trainer(**options), 2)  # the penalty acts from the third update on
        trainer.gradients(next(phase for phase in trainer.phases if phase.network == "discriminator"))
        gradients.append([p.grad.clone() for p in trainer.gan.discriminator.parameters() if p.grad is not None])
    first, second = torch.stack(found).chunk(2)
    assert torch.equal(first, second)
    assert first[-1] > 0
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6 * float(a.abs().max()))


def test_averages_of_lecam_move_once_an_update_whatever_the_microbatch() -> None:
    averages = []
    for size in (None, 2):
        given = changes("infogan") | {"regularizers": {"lecam": {"start": 1, "decay": 0.5}}}  # no dropout in D
        given["discriminator"] = {"use": "residual", "mbstd": {"channels": 0}}
        trainer = tiny_trainer(**given, training__microbatch=size, training__order="d_first")
        averages.append(walked(trainer, 1).gan.regularizers["lecam"].get_buffer("averages").clone())
    torch.testing.assert_close(averages[0], averages[1])
    assert averages[0].abs().max() > 0


@pytest.mark.parametrize("case", cases("s04_consistency_bcr_zcr"), ids=str)
def test_bcr_is_that_of_published_code(case: Case) -> None:
    from gancore_bcr.bcr import transformed

    for prefix in {name.split(".")[0] for name in case.tensors if name.startswith("aug_")}:
        of = case.under(f"{prefix}.")
        size, n = of["x"].shape[2:], len(of["x"])
        most = torch.tensor([side // 8 for side in size])
        shifts = torch.stack([of["shift_rows"], of["shift_cols"]], dim=1)
        u = (shifts + most + 0.5) / (2 * most + 1)
        draw = FakeDraw(n, given={"flip": of["flip_draw"], "shift": u})
        assert torch.equal(transformed((of["x"],), draw)[0], of["out"])
    real, fake, real_aug, fake_aug = (
        case.tensors[f"bcr.{name}"].double().requires_grad_() for name in ("real", "fake", "real_aug", "fake_aug")
    )
    step: Any = LogitsStep(real, fake)
    images = torch.zeros(len(real), 3, 8, 8)
    given = SimpleNamespace(
        main=Main(SimpleNamespace(images=(images,), label=None), judged(fake), judged(real)),  # type: ignore[arg-type]
        real=(images,),
        draw=FakeDraw(len(real)),
        discriminate=lambda *_, **__: (torch.cat([real_aug, fake_aug]),),
    )
    assert step.main.real is not None
    total = made("bcr").penalty(given)
    torch.testing.assert_close(total.detach(), case.tensors["bcr.total64"], rtol=1e-9, atol=0)
    for name, value in {"real": real, "fake": fake, "real_aug": real_aug, "fake_aug": fake_aug}.items():
        got = torch.autograd.grad(total, value, retain_graph=True)[0]
        torch.testing.assert_close(got, case.tensors[f"bcr.grad_{name}64"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", cases("s04_penalties"), ids=str)
def test_dragan_is_that_of_published_code(case: Case) -> None:
    state = {name: value.requires_grad_() for name, value in case.under("D.", DOUBLE).items()}

    def discriminate(images: tuple[Tensor, ...], label: None) -> tuple[Tensor, ...]:
        x = torch.tanh(F.conv2d(images[0], state["c1.weight"], state["c1.bias"], padding=1))
        for name in ("c2", "c3"):
            x = torch.tanh(F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride=2, padding=1))
        return (F.linear(x.sum((2, 3)), state["fc.weight"], state["fc.bias"])[:, 0],)

    real = case.tensors["real"].double()
    given = {
        "dragan.strength": case.tensors["dragan.alpha"].view(-1, 1, 1, 1),
        "dragan.noise0": case.tensors["dragan.noise"],
    }
    step = SimpleNamespace(
        real=(real,), real_label=None, draw=FakeDraw(len(real), given=given), discriminate=discriminate
    )
    penalty = made("dragan", weight=1).penalty(step).mean()
    torch.testing.assert_close(penalty.detach(), case.tensors["dragan.value64"], rtol=1e-9, atol=0)
    for name, want in case.under("dragan.grad64.").items():
        got = torch.autograd.grad(penalty, state[name], retain_graph=True)[0]
        torch.testing.assert_close(got, want, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("case", cases("s04_topk"), ids=str)
def test_topk_is_that_of_published_code(case: Case) -> None:
    logits = case.tensors["logits"].double().requires_grad_()
    for k in (int(name[1:].split(".")[0]) for name in case.tensors if name.endswith(".g_nonsat64")):
        loss = made("topk", share=k / len(logits)).generator_loss(SimpleNamespace(kimg=0.0), judged(logits), None)
        torch.testing.assert_close(loss.detach(), case.tensors[f"k{k}.g_nonsat64"], rtol=1e-9, atol=0)
        kept = torch.autograd.grad(loss, logits)[0].nonzero().flatten()
        assert sorted(kept.tolist()) == sorted(case.tensors[f"k{k}.index"].tolist())


@pytest.mark.parametrize("case", cases("s04_class_losses"), ids=str)
def test_the_likelihood_of_infogan_is_that_of_published_code(case: Case) -> None:
    from gancore_infogan.infogan import negative_log_likelihood

    of = case.under("infogan_continuous.", DOUBLE)
    mu, var = of["mu"].requires_grad_(), of["var"].requires_grad_()
    value = negative_log_likelihood(of["x"], mu, var).mean()
    torch.testing.assert_close(value.detach(), of["value64"], rtol=1e-9, atol=0)
    for got, name in zip(torch.autograd.grad(value, (mu, var)), ("mu", "var"), strict=True):
        torch.testing.assert_close(got, of[f"grad_{name}64"], rtol=1e-9, atol=1e-12)


def test_q_of_infogan_learns_to_read_the_codes() -> None:
    mapping = {"layers": 1, "lr_multiplier": 1.0}
    given = {**changes("infogan", weight=4), "generator__mapping": mapping, "training__optimizer": {"lr": 0.01}}
    trainer = tiny_trainer(**{**given, "training__batch": 16})
    losses = []
    for _ in range(3):
        walked(trainer, 8)
        losses.append(trainer.stats.read(lambda value: value)["loss/infogan"])
    assert losses[-1] < 0.95 * losses[0]


def test_the_vectors_of_the_table_are_the_labels() -> None:
    plugin = discover().get("dataset", "vectors").load()
    raw = plugin(plugin.Config(**REQUIRED["vectors"], standardize=False), Path())
    assert [list(item.label) for item in raw.items()[:2]] == [[0, 255, 0], [20, 235, 1]]
    assert raw.class_names() == ["red", "green", "blue"]
    labels = np.array([item.label for item in plugin(plugin.Config(**REQUIRED["vectors"]), Path()).items()])
    np.testing.assert_allclose([labels.mean(0), labels.std(0)], [[0] * 3, [1] * 3], atol=1e-12)


def test_both_networks_follow_the_vector() -> None:
    gan = tiny_trainer(**changes("vectors")).gan
    z, image = torch.randn(1, gan.generator.z_dim), (torch.randn(1, 3, 8, 8),)
    rows = [torch.tensor([row], requires_grad=True) for row in ([0.5, -1, 0], [0.5, 1, 0])]
    images = [gan.generator(z, row) for row in rows]
    logits = [gan.discriminator(image, row)[0] for row in rows]
    assert not torch.equal(*images)
    assert not torch.equal(*logits)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("1.png,20,", "1.png,red,", r"table.csv:3: could not convert string to float: 'red'"),
        ("1.png,20,", "1.png,nan,", r"table.csv:3: expected 3 finite numbers"),
        ("1.png,20,", "1.png,20,7,", r"table.csv:3: expected 3 finite numbers"),
        ("1.png", "0.png", r"table.csv:3: 0.png occurs twice"),
        ("1.png", "none.png", r"table.csv:3: there is no image .*none.png"),
        ("file,red,green,blue", "file", r"table.csv: expected a line of column names"),
    ],
)
def test_mistakes_of_a_table_have_a_line(right: str, wrong: str, message: str) -> None:
    table = Path(REQUIRED["vectors"]["table"])
    table.write_text(table.read_text().replace(right, wrong, 1))
    plugin = discover().get("dataset", "vectors").load()
    with pytest.raises(DataError, match=message):
        plugin(plugin.Config(**REQUIRED["vectors"]), Path()).items()


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3, 4])
def test_infogan_goes_on_bit_equal_after_sigkill(number: int, tmp_path: Path) -> None:
    """Q, its moments and the phases of both networks; it is killed in a step, and while a checkpoint is written."""
    given = changes("infogan", weight=4) | {"training__kimg": 0.064, "training__checkpoint_kimg": 0.016}
    assert run_child(tmp_path / "straight", None, **given) == 0
    assert run_child(tmp_path / "killed", number, **given) == -signal.SIGKILL
    assert run_child(tmp_path / "killed", None, **given) == 0
    straight, killed = (load_tensors(RunFolder(tmp_path / name).checkpoints()[0])[0] for name in ("straight", "killed"))
    assert [name for name in straight if "infogan" in name and name.endswith("Q.weight")]
    assert_equal_bits(straight, killed)


@pytest.mark.slow
@each
def test_pip_installs_it_and_it_trains(name: str, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    [packages] = (tmp_path / "env").glob("lib/*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "ours.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in ours))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-build-isolation"]
    source = shutil.copytree(FOLDER / name, tmp_path / name)  # pip builds in the folder
    subprocess.run([*pip, str(source)], check=True)
    experiment = tiny_experiment(**changes(name), training__kimg=0.016)
    (tmp_path / "experiment.yaml").write_text(experiment.to_yaml())
    command = [str(python), "-P", "-m", "gancore", "train", "experiment.yaml", "--out", "run"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / "run" / "model.safetensors").is_file()
