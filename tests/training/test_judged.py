"""Losses see the step and what D gives beside logits; regularizers see what the main loss saw."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.small import load, names
from support.tiny import tiny_experiment, tiny_trainer

from gancore.contracts import Interface, Normalization, Stage
from gancore.errors import ConfigError, PluginError
from gancore.training.checkpoint import restore, state_of
from gancore.training.step.draws import SeededDraw
from gancore.training.step.phase_step import PhaseStep
from gancore.training.trainer import Trainer

FILE = Path(__file__).parents[1] / "fixtures" / "judged.py"
AUXILIARY = {"use": "residual", "labels": "auxiliary", "mbstd": {"channels": 0}}
CLASSIFYING: dict[str, Any] = {
    "plugins": {"loss": {"classifying": f"{FILE}:Classifying"}},
    "loss": {"use": "classifying", "weight": {"schedule": "table", "points": {0: 1.0, 0.016: 0.0}}},
    "discriminator": AUXILIARY,
    "data__labels": True,
    "regularizers": {},
}
CLOSE: dict[str, Any] = {
    "plugins": {"regularizer": {"close": f"{FILE}:Close"}},
    "regularizers": {"close": {}},
    "discriminator": {"use": "residual", "mbstd": {"channels": 0}},
}


def gap(**options: Any) -> dict[str, Any]:
    return {"plugins": {"regularizer": {"gap": f"{FILE}:Gap"}}, "regularizers": {"gap": options}}


def doubled(trainer: Trainer) -> Trainer:
    for module in trainer.gan.modules().values():
        module.double()
    return trainer


@pytest.mark.parametrize("changes", [CLASSIFYING, CLOSE], ids=["loss", "regularizer"])
def test_microbatches_give_the_gradients_of_the_batch(changes: dict[str, Any]) -> None:
    one, many = (doubled(tiny_trainer(**changes, training__microbatch=size)) for size in (None, 2))
    for phase, again in zip(one.phases, many.phases, strict=True):
        torch.testing.assert_close(one.gradients(phase), many.gradients(again), rtol=1e-9, atol=1e-12)
        pairs = zip(one.optimizers[phase.network].params, many.optimizers[again.network].params, strict=True)
        for p, q in pairs:
            torch.testing.assert_close(p.grad, q.grad, rtol=1e-6, atol=1e-9)


def test_a_loss_resumes_with_state_and_parameters() -> None:
    straight, first, second = (tiny_trainer(**CLASSIFYING) for _ in range(3))
    for trainer, steps in ((straight, 3), (first, 1)):
        for _ in range(steps):
            trainer.step()
    tensors, about = state_of(first)
    assert float(tensors["loss/seen"]) == 1
    assert "optimizer.discriminator/loss/gain/exp_avg" in tensors or any("loss/gain" in key for key in tensors)
    restore(second, {key: value.clone() for key, value in tensors.items()}, about)
    for _ in range(2):
        second.step()
    a, b = state_of(straight)[0], state_of(second)[0]
    assert [key for key in a if not torch.equal(a[key], b[key])] == []


def test_the_weight_of_a_loss_follows_kimg() -> None:
    """From kimg 0.016 on it does not classify, and the layer's rows of the classes get a gradient of zero."""
    trainer = tiny_trainer(**CLASSIFYING)
    rows = []
    for _ in range(3):
        trainer.gradients(next(phase for phase in trainer.phases if phase.network == "discriminator"))
        weight = trainer.gan.discriminator.get_parameter("b4.out.weight")
        assert weight.grad is not None
        rows.append(float(weight.grad[1:].abs().max()))
        trainer.step()
    assert rows[0] > 0 < rows[1]
    assert rows[2] == 0


def test_the_logits_of_the_main_loss_are_those_of_a_second_pass() -> None:
    """Where D looks at no batch and nothing is augmented."""
    plain = {"discriminator": {"use": "residual", "mbstd": {"channels": 0}}}
    one, two = (doubled(tiny_trainer(**gap(again=again), **plain)) for again in (False, True))
    phase = next(phase for phase in one.phases if phase.network == "discriminator")
    torch.testing.assert_close(one.gradients(phase), two.gradients(phase), rtol=1e-9, atol=1e-12)
    for p, q in zip(one.optimizers["discriminator"].params, two.optimizers["discriminator"].params, strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-6, atol=1e-9)


def test_a_lazy_phase_has_no_main_loss() -> None:
    with pytest.raises(PluginError, match="interval 1"):
        tiny_trainer(**gap(interval=2)).step()


def test_what_a_discriminator_cannot_give_is_refused_by_line() -> None:
    for discriminator, has in (("mlp", "mlp"), ("residual", "residual")):
        with pytest.raises(ConfigError, match=f"needs a discriminator with class_logits.*{has!r} has none"):
            tiny_experiment(**{**CLASSIFYING, "discriminator": discriminator})


def test_nothing_is_wanted_of_d_that_nobody_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, seen = tiny_trainer(), []
    forward = trainer.gan.discriminator.forward

    def spied(*args: Any, **kwargs: Any) -> Any:
        seen.append((args, kwargs))
        return forward(*args, **kwargs)

    monkeypatch.setattr(trainer.gan.discriminator, "forward", spied)
    trainer.step()
    assert seen
    assert all(len(args) <= 4 and "wanted" not in kwargs for args, kwargs in seen)


def givers() -> list[str]:
    """Discriminators with outputs besides logits."""
    return [
        name for name in names("discriminator") if load("discriminator", name).provides & {"features", "class_logits"}
    ]


@pytest.mark.parametrize("name", givers())
def test_outputs_of_two_parts_are_those_of_halves(name: str) -> None:
    plugin = load("discriminator", name)
    interface = Interface(16, 3, 2)
    small = {"channels": {"base": 64, "max": 8}} if "channels" in plugin.Config.model_fields else {}
    options = small | ({"labels": "auxiliary"} if "labels" in plugin.Config.model_fields else {})
    D = plugin(plugin.Config.model_validate(options), interface, lambda site: Normalization(None, site))
    D = D.double().eval()
    images, label = torch.randn(4, 3, 16, 16, dtype=torch.float64), torch.eye(2, dtype=torch.float64).repeat(2, 1)
    words = tuple(sorted(plugin.provides & {"features", "class_logits"}))
    logits, outputs = D((images,), label, None, 2, words)
    assert set(words) <= set(outputs)
    assert torch.equal(logits[0], D((images,), label, None, 2)[0])
    for half, (part, rows) in enumerate(zip(images.chunk(2), label.chunk(2), strict=True)):
        own_logits, own = D((part,), rows, None, 1, words)
        torch.testing.assert_close(logits[0].chunk(2)[half], own_logits[0])
        for word in words:
            assert outputs[word]
            for value, alone in zip(outputs[word], own[word], strict=True):
                torch.testing.assert_close(value.chunk(2)[half], alone)
    if "class_logits" in words:
        assert outputs["class_logits"][0].shape == (4, 2)
    if "growth" in plugin.provides:
        assert D((images[..., ::2, ::2],), label, Stage(8, 0.5), 1, words)[1].keys() >= set(words)


def test_augmented_pairs_have_outputs_of_their_own_side() -> None:
    trainer = tiny_trainer(**CLASSIFYING, augmentation="diffaug")
    draw = SeededDraw.whole((0, "test"), 8)
    step = PhaseStep(trainer.gan, trainer.data, trainer.reals(0).part(0, 8), draw, trainer.kimg)
    step.wanted = trainer.gan.wanted(trainer.gan.loss)
    assert step.wanted == ("class_logits", "features")
    main = step.compared(step.fake, with_reals=True)
    assert main.real is not None
    assert main is step.main
    for judged in (main.real, main.fake):
        assert judged.outputs["class_logits"][0].shape[0] == judged.logits[0].shape[0] == 8
        assert [value.shape[0] for value in judged.outputs["features"]] == [8, 8]
    assert main.real.label is step.real_label
    assert main.fake.label is step.fake.label
