"""Parameters of regularizers, losses and augmentations are trained, saved and guarded like those of the networks."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from support.killing import run_child
from support.tiny import assert_equal_bits, tiny_trainer, walked
from torch import Tensor

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.errors import PluginError
from gancore.training.checkpoint import restore, state_of
from gancore.training.trainer import Trainer

LEARNED = Path(__file__).parents[1] / "fixtures" / "learned.py"


def named(kind: str, name: str, target: str) -> dict[str, Any]:
    return {"data__resolution": 8, "plugins": {kind: {name: f"{LEARNED}:{target}"}}}


CODES = {**named("regularizer", "codes", "Codes"), "regularizers": {"codes": {}, "path_length": {"interval": 2}}}
LAZY_CODES = {**CODES, "regularizers": {"codes": {"interval": 2}}}
SCALED = {**named("loss", "scaled", "Scaled"), "loss": "scaled"}
TINT = {**named("augmentation", "tint", "Tint"), "augmentation": "tint"}
CASES = {"regularizer": CODES, "lazy regularizer": LAZY_CODES, "loss": SCALED, "augmentation": TINT}
each_case = pytest.mark.parametrize("changes", CASES.values(), ids=CASES)


def own(trainer: Trainer) -> dict[str, Tensor]:
    """Parameters beside the networks, copied."""
    return {
        f"{key}/{name}": p.detach().clone()
        for key, module in trainer.gan.modules().items()
        if key not in trainer.networks
        for name, p in module.named_parameters()
    }


@each_case
def test_every_parameter_moves_and_two_runs_are_equal(changes: dict[str, Any]) -> None:
    one, two = tiny_trainer(**changes), tiny_trainer(**changes)
    before = own(one)
    assert before
    walked(one, 2)
    torch.rand(10)  # whatever else has been drawn meanwhile
    walked(two, 2)
    after = own(one)
    assert [name for name in before if torch.equal(before[name], after[name])] == []
    assert_equal_bits(state_of(one)[0], state_of(two)[0])


@each_case
def test_first_values_come_from_the_seed_and_leave_the_networks_alone(changes: dict[str, Any]) -> None:
    plain, torch_seeded, other = (
        tiny_trainer(data__resolution=8),
        tiny_trainer(**changes),
        tiny_trainer(**changes, training__seed=1),
    )
    torch.manual_seed(99)
    again = tiny_trainer(**changes)
    assert_equal_bits(own(torch_seeded), own(again))
    random = [name for name, value in own(again).items() if not name.startswith("loss/")]  # the scale starts at 1
    assert [name for name in random if torch.equal(own(again)[name], own(other)[name])] == []
    for network, module in plain.networks.items():
        assert_equal_bits(module.state_dict(), again.networks[network].state_dict())


def test_q_learns_to_read_the_code() -> None:
    mapping = {"layers": 2, "lr_multiplier": 1.0}
    changes = {**CODES, "regularizers": {"codes": {}}, "generator__mapping": mapping}
    trainer = tiny_trainer(**changes, training__optimizer={"lr": 0.01}, training__batch=16)
    losses = []
    for _ in range(4):
        walked(trainer, 10)
        losses.append(trainer.stats.read(lambda value: value)["loss/codes"])
    assert losses[-1] < 0.7 * losses[0]


@each_case
def test_resumed_trainer_has_equal_bits(changes: dict[str, Any]) -> None:
    straight, first, second = (tiny_trainer(**changes) for _ in range(3))
    walked(straight, 4)
    tensors, about = state_of(walked(first, 2))
    moments = {key.rpartition("/")[0] for key in tensors if key.startswith("optimizer.")}
    for name in own(first):
        assert name in tensors
        assert any(moment.endswith(f"/{name}") for moment in moments)
    restore(second, {k: v.clone() for k, v in tensors.items()}, json.loads(json.dumps(about)))
    assert_equal_bits(state_of(straight)[0], state_of(walked(second, 2))[0])


@pytest.mark.slow
def test_a_killed_run_goes_on_with_equal_bits(tmp_path: Path) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert run_child(straight, None, **CODES) == 0
    assert run_child(killed, 8, **CODES) == -signal.SIGKILL
    assert run_child(killed, None, **CODES) == 0
    newest = [RunFolder(folder).checkpoints()[0] for folder in (straight, killed)]
    assert_equal_bits(*(load_tensors(path)[0] for path in newest))


@each_case
def test_microbatches_give_the_gradients_of_the_batch(changes: dict[str, Any]) -> None:
    changes = {"regularizers": {}, **changes, "discriminator": {"use": "residual", "mbstd": {"channels": 0}}}
    one, many = (tiny_trainer(**changes, training__microbatch=size) for size in (None, 2))
    for trainer in (one, many):
        for module in trainer.gan.modules().values():
            module.double()
    for phase, again in zip(one.phases, many.phases, strict=True):
        if "path_length" in phase.regularizers:  # its target is the mean of a microbatch, as published
            continue
        torch.testing.assert_close(one.gradients(phase), many.gradients(again), rtol=1e-9, atol=1e-12)
        pairs = zip(one.optimizers[phase.network].params, many.optimizers[again.network].params, strict=True)
        for p, q in pairs:
            torch.testing.assert_close(p.grad, q.grad, rtol=1e-6, atol=1e-9)


@each_case
def test_gradients_come_in_the_phases_of_their_network_only(changes: dict[str, Any]) -> None:
    trainer = tiny_trainer(**changes)
    network = "generator" if "regularizers" in changes else "discriminator"
    parameters = [p for part in trainer.gan.trained_with(network).values() for p in part.parameters()]
    assert parameters
    found = set()
    for phase in trainer.phases:
        for p in parameters:
            p.grad = None
        trainer.gradients(phase)
        given = [p.grad is not None for p in parameters]
        assert all(given) or not any(given)
        if any(given):
            found.add(phase.network)
    assert found == {network}


def test_groups_of_their_own_have_another_rate() -> None:
    trainer = tiny_trainer(**{**CODES, "regularizers": {"codes": {"lr_factor": 0.1}}}, training__optimizer={"lr": 0.01})
    walked(trainer, 1)
    tell = trainer.gan.regularizers["codes"].get_parameter("tell.weight")
    rates = {id(p): group["lr"] for group in trainer.optimizers["generator"].torch_optimizer.param_groups
             for p in group["params"]}  # fmt: skip
    look = trainer.gan.regularizers["codes"].get_parameter("look.weight")
    assert (rates[id(tell)], rates[id(look)]) == (pytest.approx(0.001), 0.01)


def spoil(p: Tensor) -> None:
    """From now on the gradient of a parameter is not finite."""
    p.requires_grad_().register_hook(lambda gradient: gradient * float("nan"))


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_a_bad_step_freezes_them(optimizer: str) -> None:
    trainer = tiny_trainer(**SCALED, training__order="d_first", training__optimizer={"use": optimizer, "lr": 1e-3})
    before = own(walked(trainer, 2))
    spoil(next(trainer.gan.discriminator.parameters()))
    walked(trainer, 2)
    assert trainer.first_bad_step() == 2
    assert_equal_bits(before, own(trainer))


def test_a_bad_gradient_of_theirs_freezes_the_networks() -> None:
    trainer = walked(tiny_trainer(**CODES), 1)
    tell = trainer.gan.regularizers["codes"].get_parameter("tell.weight")
    spoil(tell)
    before = {key: value.clone() for key, value in trainer.gan.generator.named_parameters()}
    walked(trainer, 1)
    assert trainer.first_bad_step() == 1
    assert_equal_bits(before, dict(trainer.gan.generator.named_parameters()))


def test_hooks_of_a_loss_are_called_and_its_state_is_saved() -> None:
    trainer = walked(tiny_trainer(**SCALED, training__optimizer={"lr": 10.0}), 2)
    tensors, _ = state_of(trainer)
    assert float(tensors["loss/steps"]) == 2
    assert float(tensors["loss/scale"]) in (0.5, 2.0)  # clamped after the update


def test_a_checkpoint_of_before_losses_had_state_is_taken() -> None:
    trainer = walked(tiny_trainer(**SCALED), 2)
    tensors, about = state_of(trainer)
    old = {key: value for key, value in tensors.items() if "loss/" not in key}
    assert len(old) < len(tensors)
    fresh = tiny_trainer(**SCALED)
    restore(fresh, old, about)
    assert float(fresh.gan.loss.get_parameter("scale").detach()) == 1.0
    walked(fresh, 1)


def test_a_loss_whose_init_calls_nobody_trains() -> None:
    trainer = tiny_trainer(**named("loss", "old", "OldStyle"), loss="old")
    walked(trainer, 1)
    assert trainer.first_bad_step() is None
    assert not [key for key in state_of(trainer)[0] if key.startswith("loss/")]


def test_trained_with_must_name_a_network(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text('"""x"""\nfrom gancore_plugins.losses.hinge import Hinge\n\n\n'
                    'class Wrong(Hinge):\n    trained_with = "both"\n')  # fmt: skip
    with pytest.raises(PluginError, match="trained_with is 'both', and should be 'generator' or 'discriminator'"):
        tiny_trainer(plugins={"loss": {"wrong": f"{file}:Wrong"}}, loss="wrong")
