"""Training on a GPU that is not there: devices and types of all tensors, by the device `meta` (support/on_meta.py).

That the host never waits is also what tests/training/test_no_host_sync.py looks at, regularizer by regularizer.
"""

import importlib
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.on_meta import META, HostWaits, Refused, all_phases, on_meta, watched, watched_phases
from support.presets import PRESETS, shrunk
from support.small import experiment_of, load, names, normalizations, sampled, with_loss
from support.tiny import tiny_experiment, trainer_for
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.meta_autocast import autocast_on_meta
from gancore.config import load_experiment
from gancore.contracts import Normalization, Stage
from gancore.evaluation.fakes import Generated
from gancore.training.checkpoint import restore, state_of
from gancore.training.trainer import Trainer

# -- resumed and rolled back ----------------------------------------------------------------------------------------

OPTIMIZERS = {name: {"use": name} for name in names("optimizer")} | {"momentum": {"use": "sgd", "momentum": 0.5}}


@pytest.fixture(scope="module", params=OPTIMIZERS)
def restored(request: pytest.FixtureRequest) -> Trainer:
    """A trainer on `meta` with the state of another as a file has it: on the host. A rollback does the same."""
    experiment = tiny_experiment(data__resolution=8, training__optimizer=OPTIMIZERS[request.param])
    before = trainer_for(experiment)
    before.step()
    trainer = on_meta(experiment)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*copying from a non-meta parameter")
        restore(trainer, *state_of(before))
    return trainer


def test_a_restored_state_is_on_the_device(restored: Trainer) -> None:
    tensors, _ = state_of(restored)
    assert any(name.endswith("/exp_avg") for name in tensors) or not isinstance(
        restored.gan.optimizers["generator"], load("optimizer", "adam")
    )
    assert {name: t.device for name, t in tensors.items()} == dict.fromkeys(tensors, META)


def test_a_restored_run_goes_on(restored: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("torch.optim.optimizer")  # torch.optim hides it
    monkeypatch.setattr(module, "_get_fused_kernels_supported_devices", lambda: ["meta"])
    with watched():
        all_phases(restored)


# -- every plugin and every preset ----------------------------------------------------------------------------------

GENERATORS, DISCRIMINATORS = names("generator"), names("discriminator")
PAIRS = [(g, "residual") for g in GENERATORS] + [("skip", d) for d in DISCRIMINATORS]
SAMPLE = {("alias_free", "residual"), ("lapgan", "residual"), ("skip", "dcgan")}


@pytest.mark.parametrize(("generator", "discriminator"), sampled(PAIRS, SAMPLE))
def test_networks(generator: str, discriminator: str) -> None:
    """With every regularizer that they have what it takes for."""
    watched_phases(experiment_of(generator, discriminator))


NORMALIZATIONS = [("skip", n) for n in normalizations(Normalization)]


@pytest.mark.parametrize(("generator", "normalization"), sampled(NORMALIZATIONS, {("skip", "batch")}))
def test_normalizations(generator: str, normalization: str) -> None:
    watched_phases(experiment_of(generator, "residual", f"generator.normalization={normalization}"))


ONES = [("loss", name) for name in names("loss")] + [("augmentation", name) for name in names("augmentation")]


@pytest.mark.parametrize(("kind", "name"), sampled(ONES, {("augmentation", "ada")}))
def test_losses_and_augmentations(kind: str, name: str) -> None:
    use = with_loss(name) if kind == "loss" else {kind: {"use": name}}
    trainer = on_meta(tiny_experiment(data__resolution=8, **use))
    all_phases(trainer)  # computes filters that are kept
    with watched():
        all_phases(trainer)


@pytest.mark.parametrize(
    "name", [name if name == "stylegan2-F" else pytest.param(name, marks=pytest.mark.slow) for name in PRESETS]
)
def test_presets(name: str) -> None:
    watched_phases(shrunk(name))


def test_microbatches_and_recomputation() -> None:
    watched_phases(tiny_experiment(data__resolution=8, training__microbatch=4, training__recompute=8))


def test_growing() -> None:
    """At half size, fading in, and grown; optimizers are reset on the way."""
    growth = {"start": 4, "stable_kimg": 0.004, "fade_kimg": 0.008}
    options = {"training__growth": growth, "data__resolution": 8, "regularizers": {"r1": {"interval": 4}}}
    trainer = on_meta(experiment_of("progressive", "progressive", **options))
    for _ in range(4):
        with watched():
            all_phases(trainer)
    assert trainer.stage == Stage(8)


# -- evaluation -----------------------------------------------------------------------------------------------------


def test_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples and their features, up to where they are read."""
    trainer = on_meta(tiny_experiment(data__labels=True))
    embedded = load("feature", "embedded")
    feature = embedded(embedded.Config())
    feature.prepare(META)
    monkeypatch.setattr("gancore.evaluation.fakes.finite", lambda images: images)  # a value is read for each batch
    fakes = Generated(trainer.ema, trainer.data.label_rows, batch=4, draws="device")
    with watched():
        for images in fakes.batches(0, 0, 8):
            features = feature.extract(images, ("features",))["features"]
            assert features.device == META


# -- types under autocast -------------------------------------------------------------------------------------------


class Products(TorchDispatchMode):
    """Types in which convolutions with several channels a group, and other products, are computed."""

    def __init__(self) -> None:
        super().__init__()
        self.dense: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default and args[1].shape[1] > 1 and args[1].dim() == 4:
            self.dense.add(args[0].dtype)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def autocast() -> Iterator[None]:
    with autocast_on_meta():
        yield


HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
CASES = [(g, n, p) for g in ("skip", "residual") for n in ("demod", "adain", "pin") for p in HALF]


@pytest.mark.usefixtures("autocast")
@pytest.mark.parametrize(
    ("generator", "normalization", "precision"),
    sampled(CASES, {("skip", "demod", "fp16"), ("residual", "pin", "bf16")}),
)
def test_types_under_autocast(generator: str, normalization: str, precision: str) -> None:
    """Convolutions are in half precision in all four phases; weights, gradients and averages stay in float32."""
    experiment = tiny_experiment(generator__use=generator, generator__normalization=normalization)
    trainer = on_meta(load_half(experiment, precision))
    with watched(), Products() as products:
        all_phases(trainer)
    assert products.dense == {HALF[precision]}
    tensors, _ = state_of(trainer)
    gradients = {p.grad.dtype for o in trainer.optimizers.values() for p in o.params if p.grad is not None}
    assert {t.dtype for t in tensors.values() if t.is_floating_point()} == gradients == {torch.float32}


@pytest.mark.slow
@pytest.mark.usefixtures("autocast")
@pytest.mark.parametrize("precision", HALF)
@pytest.mark.parametrize("generator", GENERATORS)
def test_generators_under_autocast(generator: str, precision: str) -> None:
    with watched():
        all_phases(on_meta(load_half(experiment_of(generator, "residual"), precision)))


def load_half(experiment: Any, precision: str) -> Any:
    return load_experiment(experiment.to_dict(), [f"training.precision={precision}"])


# -- planted faults -------------------------------------------------------------------------------------------------


def _moments_on_the_host(trainer: Trainer) -> None:
    state = trainer.optimizers["generator"].torch_optimizer.state
    for p, entries in state.items():
        state[p] = {key: torch.empty(value.shape) for key, value in entries.items()}


def _steps_on_the_host(trainer: Trainer) -> None:
    for entries in trainer.optimizers["generator"].torch_optimizer.state.values():
        entries["step"] = torch.zeros(())


def _moments_in_half(trainer: Trainer) -> None:
    for entries in trainer.optimizers["generator"].torch_optimizer.state.values():
        entries["exp_avg"] = entries["exp_avg"].half()


def _steps_are_whole(trainer: Trainer) -> None:
    for entries in trainer.optimizers["generator"].torch_optimizer.state.values():
        entries["step"] = entries["step"].long()


def _a_weight_in_half(trainer: Trainer) -> None:
    layer: Any = trainer.gan.generator.synthesis.b8.conv1  # type: ignore[union-attr]
    effective = layer.effective_weight
    layer.effective_weight = lambda: effective().bfloat16()


def _a_filter_on_the_host(trainer: Trainer) -> None:
    layer: Any = trainer.gan.generator.synthesis.b8.conv0  # type: ignore[union-attr]
    layer.resample_filter = torch.ones(4, 4)


FAULTS = [
    _moments_on_the_host, _steps_on_the_host, _moments_in_half, _steps_are_whole, _a_weight_in_half,
    _a_filter_on_the_host,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_planted_fault_is_found(fault: Any) -> None:
    trainer = on_meta(tiny_experiment(data__resolution=8))
    all_phases(trainer)
    fault(trainer)
    with watched(), pytest.raises((Refused, HostWaits, RuntimeError), match=r"device|gets|type|copy"):
        all_phases(trainer)
