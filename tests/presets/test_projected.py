"""Projected GAN: shapes of the published code, what is frozen, where weights are from, and other generators."""

import copy
import sys
from typing import Any

import pytest
import torch
from support.fakes import made
from support.presets import preset
from support.small import SMALL, experiment_of
from support.tiny import trainer_for
from torch import Tensor

from gancore.composition import compose
from gancore.contracts import Context, Interface
from gancore.errors import GancoreError, RunError
from gancore.nn.frozen import Frozen
from gancore.nn.pretrained import state_hash
from gancore.training.checkpoint import restore, state_of
from gancore.training.initial import training_data
from gancore.training.trainer import Trainer
from gancore_plugins.discriminators.projected import Projected
from gancore_plugins.optimizers.adam import Adam

TINY: dict[str, Any] = SMALL["discriminator", "projected"]
PUBLISHED = ("discriminator.normalization=batch", "discriminator.weight_normalization=spectral")


def discriminator(resolution: int = 128, **options: Any) -> Projected:
    torch.manual_seed(0)
    cfg = Projected.Config(**(TINY | options))
    return Projected(cfg, Interface(resolution, 3), lambda site: made("normalization", "batch", site))


def trainer_of(generator: str = "skip", seed: int = 0, **changes: Any) -> Trainer:
    changes = {"training__seed": seed, "training__batch": 4, "regularizers": None, **changes}
    experiment = experiment_of(generator, "projected", *PUBLISHED, **changes)
    return trainer_for(experiment)


# --- The preset ----------------------------------------------------------------------------------------------------


def test_constants() -> None:
    experiment = preset("projected-gan")
    options, training = experiment.to_dict(), experiment.training
    assert options["loss"] == {"use": "hinge"}
    assert options["regularizers"] == {}
    assert options["augmentation"]["use"] == "diffaug"
    assert list(options["augmentation"]["policy"]) == ["color", "translation", "cutout"]
    assert isinstance(training.optimizer.cfg, Adam.Config)
    assert (training.optimizer.cfg.lr, training.optimizer.cfg.betas, training.batch) == (0.002, (0.0, 0.99), 64)
    assert training.ema.halflife_kimg == training.batch * 10 / 32
    D = options["discriminator"]
    assert (D["backbone"], D["weights"], D["size"]) == ("tf_efficientnet_lite0", "pretrained", 224)
    assert D["normalization"]["use"] == "batch"
    assert D["normalization"]["affine"]
    assert D["weight_normalization"]["use"] == "spectral"


def test_shapes_of_the_published_code() -> None:
    with torch.device("meta"):
        D: Any = compose(preset("projected-gan"), Interface(256, 3)).discriminator
        image = torch.zeros(2, 3, 256, 256)
        features = D.backbone(image)
        projected = D.projection(features)
        logits = D((image,))
    assert [f.shape[1:] for f in features] == [(24, 64, 64), (40, 32, 32), (112, 16, 16), (320, 8, 8)]
    assert [p.shape[1:] for p in projected] == [(64, 128, 128), (64, 64, 64), (128, 32, 32), (256, 16, 16)]
    assert [mix.weight.shape[0] for mix in D.projection.across_channels] == [64, 128, 256, 512]
    assert [head.layers for head in D.heads] == [["b128", "b64", "b32", "b16"], ["b64", "b32", "b16"],
                                                 ["b32", "b16"], ["b16"]]  # fmt: skip
    assert [head.out.weight.shape for head in D.heads] == [(1, 512, 4, 4)] * 4
    assert [x.shape for x in logits] == [(2, 5, 5)] * 4


def test_small_images_are_enlarged_and_large_ones_are_not() -> None:
    with torch.device("meta"):
        D: Any = compose(preset("projected-gan"), Interface(32, 3)).discriminator
        assert [f.shape[-1] for f in D.backbone(torch.zeros(1, 3, 32, 32))] == [56, 28, 14, 7]
        assert [f.shape[-1] for f in D.backbone(torch.zeros(1, 3, 512, 512))] == [128, 64, 32, 16]
        assert [x.shape[1:] for x in D((torch.zeros(1, 3, 32, 32),))] == [(4, 4)] * 4


def test_order_of_calls() -> None:
    D = discriminator()
    seen: list[str] = []
    for name in ("backbone", "backbone.network", "projection", "heads.0", "heads.0.b128", "heads.0.out", "heads.3"):
        D.get_submodule(name).register_forward_pre_hook(lambda _m, _i, name=name: seen.append(name))
    D((torch.zeros(2, 3, 128, 128),))
    assert seen == ["backbone", "backbone.network", "projection", "heads.0", "heads.0.b128", "heads.0.out", "heads.3"]


def test_coarse_features_reach_the_finest_head() -> None:
    """Mixed over scales from coarse to fine: the finest output depends on all levels, the coarsest on its own."""
    D = discriminator()
    features = [x.requires_grad_() for x in D.backbone(torch.randn(1, 3, 128, 128))]
    outputs = D.projection(features)
    for i, output in enumerate(outputs):
        grads = torch.autograd.grad(output.square().sum(), features, retain_graph=True, allow_unused=True)
        assert [grad is not None for grad in grads] == [level >= i for level in range(len(features))]


def test_reals_and_fakes_are_normalized_apart() -> None:
    D = discriminator(width=2)
    real, fake = torch.randn(2, 3, 128, 128), 3 * torch.randn(2, 3, 128, 128)
    together = D((torch.cat([real, fake]),), parts=2)
    for both, one in zip(together, D((real,)), strict=True):
        assert torch.allclose(both[:2], one, atol=1e-5)


@pytest.mark.parametrize("separable", [False, True])
def test_gradients_reach_the_image(separable: bool) -> None:
    image = torch.randn(2, 3, 16, 16, requires_grad=True)
    sum(x.square().sum() for x in discriminator(16, separable=separable)((image,))).backward()
    assert image.grad is not None
    assert image.grad.abs().amax((1, 2, 3)).min() > 0


# --- What is frozen ------------------------------------------------------------------------------------------------


def fixed(D: Any) -> dict[str, Tensor]:
    held = {f"backbone.{name}": value for name, value in D.backbone.network._held[0].state_dict().items()}
    return held | {f"projection.{name}": value for name, value in D.projection.named_buffers()}


def test_two_steps_leave_frozen_parts_alone() -> None:
    trainer = trainer_of(regularizers={"r1": {"interval": 1}})
    before = copy.deepcopy(fixed(trainer.gan.discriminator))
    trainer.step()
    trainer.step()
    after = fixed(trainer.gan.discriminator)
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    names = set(trainer.optimizers["discriminator"].names.values())
    assert names
    assert all(name.startswith("heads.") for name in names)


def test_a_checkpoint_has_the_hash_in_place_of_the_backbone() -> None:
    trainer = trainer_of()
    trainer.step()
    tensors, about = state_of(trainer)
    inside = [name for name in tensors if "backbone" in name]
    assert inside == ["discriminator/backbone.network._extra_state"]
    held = trainer.gan.discriminator.backbone.network._held[0].state_dict()
    assert bytes(tensors[inside[0]].tolist()).hex() == state_hash(held)
    again = trainer_of()
    restore(again, tensors, about)
    for one in (trainer, again):
        one.step()
    assert all(torch.equal(value, state_of(again)[0][name]) for name, value in state_of(trainer)[0].items())


def test_a_checkpoint_of_other_weights_is_refused() -> None:
    tensors, about = state_of(trainer_of(seed=1))
    with pytest.raises(RunError, match="other frozen weights"):
        restore(trainer_of(seed=0), tensors, about)


def test_frozen_stays_in_evaluation_and_follows_its_surroundings() -> None:
    frozen = Frozen(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1)))
    around = torch.nn.Sequential(frozen).train().double().requires_grad_(True)
    held = frozen._held[0]
    assert not held.training
    assert not any(p.requires_grad for p in held.parameters())
    assert {p.dtype for p in held.parameters()} == {torch.float64}
    assert list(around.parameters()) == []
    around.load_state_dict(around.state_dict())  # the hash is that of the weights as they were given


def test_parameters_without_gradient_are_frozen_in_any_network() -> None:
    experiment = experiment_of("skip", "residual")
    data = training_data(experiment)
    gan = compose(experiment, data.interface)
    block = gan.discriminator.b8.requires_grad_(False)
    trainer = Trainer(gan, data, experiment.training, torch.device("cpu"))
    before = copy.deepcopy(block.state_dict())
    trainer.step()
    trainer.step()
    assert all(torch.equal(value, before[name]) for name, value in block.state_dict().items())
    assert not any(p.requires_grad for p in block.parameters())
    assert not [key for key in trainer.optimizers["discriminator"].state() if key.startswith("b8.")]


# --- Where weights are from ----------------------------------------------------------------------------------------


def test_weights_of_a_file(tmp_path: Any) -> None:
    import timm

    model = timm.create_model("test_efficientnet")
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    D = discriminator(weights=str(tmp_path / "weights.pth"))
    image = torch.randn(1, 3, 128, 128)
    wanted = model.eval().forward_intermediates((image - D.backbone.mean) / D.backbone.std, intermediates_only=True)
    assert torch.allclose(D.backbone(image)[-1], wanted[-1], atol=1e-5)


def test_no_such_weights() -> None:
    with pytest.raises(GancoreError, match="neither 'pretrained', 'random', nor a file"):
        discriminator(weights="nowhere.pth")


def test_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(GancoreError, match=r"are unavailable \(no network\); name a local file"):
        discriminator(weights="pretrained")


def test_no_such_backbone() -> None:
    with pytest.raises(GancoreError, match="no model 'test_efficientnett'"):
        discriminator(backbone="test_efficientnett")


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(GancoreError, match=r"pip install 'gancore\[timm\]'"):
        discriminator()


@pytest.mark.parametrize(
    ("interface", "options", "words"),
    [(Interface(32, 3), {"size": None}, "resolution 32 is below 128"), (Interface(32, 4), {}, "not 4 channels")],
)
def test_what_it_cannot_look_at(interface: Interface, options: dict[str, Any], words: str) -> None:
    found = list(Projected.problems(Projected.Config(**options), Context(interface, 4, "discriminator")))
    assert len(found) == 1
    assert words in found[0]


# --- Other generators ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", ["dcgan", "alias_free"])
@pytest.mark.parametrize("augmentation", [None, "diffaug"])
def test_other_generators_train(generator: str, augmentation: str | None) -> None:
    trainer = trainer_of(generator, loss="hinge", augmentation=augmentation)
    before = [p.clone() for p in trainer.gan.generator.parameters()]
    trainer.step()
    trainer.step()
    assert trainer.first_bad_step() is None
    assert not any(torch.equal(p, old) for p, old in zip(trainer.gan.generator.parameters(), before, strict=True))
