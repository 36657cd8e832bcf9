"""training.compile: the same maths where networks are compiled, no change where they are not, and a choice that stays.

Graphs are run by torch's own kernels here, so that no compiler is needed; the slow test has the real one.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.killing import start, step_without_a_compiler
from support.presets import trainer_of
from support.small import experiment_of, load, names
from support.tiny import assert_equal_bits, tiny_experiment, tiny_trainer, trainer_for

from gancore.artifacts import RunFolder
from gancore.config import Experiment
from gancore.contracts import Regularizer, Stage, Step
from gancore.errors import GancoreError, Interrupted, RunFailed
from gancore.training import train
from gancore.training.checkpoint import state_of
from gancore.training.compile import choice as compile_choice
from gancore.training.compile import compiler
from gancore.training.compile.choice import Choice, compile_as_asked, kept
from gancore.training.compile.compiler import check_compiler, why_not
from gancore.training.compile.networks import is_first_order
from gancore.training.device import describe_environment
from gancore.training.profile import Profile
from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer

pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor"),  # torch hides it by itself
    pytest.mark.xdist_group("compiler"),
]

CPU = torch.device("cpu")
STYLED: dict[str, Any] = {"data__resolution": 8, "generator__mapping": {"layers": 1}, "training__batch": 4}
Graphs = list[torch.fx.GraphModule]


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graphs]:
    """The graphs that are made; their operations run as they would without."""
    made: Graphs = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Any], options: Any = None) -> Any:
        made.append(graph)
        return graph.forward

    monkeypatch.setattr(compiler, "BACKEND", backend)
    yield made
    torch._dynamo.reset()


def simple(**changes: Any) -> Experiment:
    """Networks without convolutions, which compile quickly."""
    regularizers = {"regularizers": {"r1": {"interval": 4}}}
    return experiment_of("mlp", "mlp", **{"data__resolution": 8, **regularizers, **changes})


def run_in(folder: Path) -> RunFolder:
    """The beginning of a run."""
    run = RunFolder(folder)
    run.environment.write_text(json.dumps(describe_environment(CPU)))
    return run


def gradients(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Loss and gradients of each phase."""
    found = {}
    for phase in trainer.phases:
        found[phase.name] = trainer.gradients(phase)
        network = trainer.networks[phase.network]
        found |= {f"{phase.name}/{name}": p.grad for name, p in network.named_parameters() if p.grad is not None}
    return found


# -- compiled networks --------------------------------------------------------------------------------------------


def same_as_eager() -> None:
    """A StyleGAN2 in two steps, each with random numbers of its own."""
    eager, fast = tiny_trainer(**STYLED), tiny_trainer(**STYLED)
    names_before = list(state_of(fast)[0])
    fast.compile()
    for _ in range(2):
        torch.testing.assert_close(gradients(fast), gradients(eager), rtol=1e-4, atol=1e-5)
        for trainer in (eager, fast):
            trainer.step()
    assert {*names_before} <= {*state_of(fast)[0]}
    for name, value in state_of(eager)[0].items():
        torch.testing.assert_close(state_of(fast)[0][name], value, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.slow
def test_a_compiled_stylegan2_has_the_gradients_of_the_eager_one(graphs: Graphs) -> None:
    same_as_eager()
    assert 6 <= len(graphs) <= 8  # three forward passes in two phases, mapping again where styles mix: none is broken


def test_a_compiled_discriminator_gives_its_outputs_besides_logits(graphs: Graphs) -> None:
    """ACGAN's: class logits, dropout, batch norm; the same operations have the same bits."""
    eager, fast = trainer_of("acgan"), trainer_of("acgan")
    fast.compile()
    assert_equal_bits(gradients(fast), gradients(eager))
    assert len(graphs) == 6  # mapping, synthesis and discriminator in two phases
    head = eager.networks["discriminator"].get_parameter("classes.weight")
    assert head.grad is not None
    assert bool(head.grad.any())


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_same_by_the_real_compiler() -> None:
    if (why := why_not(CPU)) is not None:
        pytest.skip(why)
    same_as_eager()


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_signal_while_the_compiler_is_tried_is_no_failure_of_it(
    wrapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrapper(Exception):
        inner_exception = Interrupted("at once")

    def interrupted(*_: object, **__: object) -> None:
        raise Wrapper if wrapped else Interrupted("at once")

    monkeypatch.setattr(torch, "compile", interrupted)
    with pytest.raises(Interrupted, match="at once"):
        why_not(CPU)


@pytest.mark.xdist_group("processes")
def test_off_is_the_default_and_imports_no_compiler() -> None:
    assert tiny_experiment().training.compile == "off"
    process = start(step_without_a_compiler)
    process.join()
    assert process.exitcode == 0


def test_networks_are_compiled_only_in_first_order_phases_and_not_while_fading(graphs: Graphs) -> None:
    trainer = trainer_for(simple())
    trainer.compile()
    main, r1 = (next(p for p in trainer.phases if p.name == f"discriminator/{what}") for what in ("main", "r1"))

    def is_compiled(phase: Phase, stage: Stage | None) -> bool:
        with trainer._running(phase, stage):
            return "forward" in vars(trainer.gan.discriminator)

    assert is_compiled(main, None)
    assert is_compiled(main, Stage(8, 1.0))
    assert not is_compiled(main, Stage(8, 0.5))
    assert not is_compiled(r1, None)
    assert "forward" not in vars(trainer.gan.discriminator)


def test_settings_of_the_compiler_hold_for_compiled_networks_only(graphs: Graphs) -> None:
    dynamo, functorch = torch._dynamo.config, torch._functorch.config
    before = dynamo.recompile_limit, functorch.backward_pass_autocast
    trainer = trainer_for(simple())
    trainer.compile()
    assert trainer.compiled is not None
    with trainer.compiled.running():
        assert dynamo.recompile_limit >= 128
        assert functorch.backward_pass_autocast == "off"
    trainer.step()
    assert graphs
    assert (dynamo.recompile_limit, functorch.backward_pass_autocast) == before


def test_a_profile_takes_a_compiled_network_as_one_module(graphs: Graphs) -> None:
    trainer = trainer_for(simple())
    trainer.compile()
    trainer.observer = profile = Profile(warmup=1, steps=2)
    trainer.step()
    count = len(graphs)
    trainer.step()
    trainer.step()
    assert len(graphs) == count  # its hooks change none
    assert {"generator.synthesis", "discriminator"} <= set(profile.modules)
    assert not any(name.startswith(("generator.synthesis.", "discriminator.")) for name in profile.modules)


def test_penalties_are_of_second_order_unless_their_class_says_otherwise() -> None:
    class Drift(Regularizer):
        side = "discriminator"
        second_order = False

        def penalty(self, step: Step) -> torch.Tensor:
            return step.discriminate(step.real, step.real_label)[0].square()

    plain = {"style_mixing", "weight_clipping"}
    parts = {name: (cls := load("regularizer", name))(cls.Config()) for name in names("regularizer")}
    parts["drift"] = Drift(Drift.Config())
    found = {name for name in parts if is_first_order(Phase("D", "discriminator", regularizers=(name,)), parts)}
    assert found == plain | {"drift"}


# -- what auto chooses --------------------------------------------------------------------------------------------


def test_auto_touches_nothing_says_what_it_measured_and_keeps_it(tmp_path: Path, graphs: Graphs) -> None:
    experiment, run = simple(training__compile="auto"), run_in(tmp_path)
    trainer = trainer_for(experiment)
    trainer.step()
    before = {name: value.clone() for name, value in state_of(trainer)[0].items()}
    counters, numbers = trainer.counters.to_dict(), torch.get_rng_state()

    (said,) = compile_as_asked(experiment, run, trainer, trainer_for)
    assert "ms compiled" in said
    assert "ms eager" in said
    assert graphs
    assert trainer.counters.to_dict() == counters
    assert torch.equal(torch.get_rng_state(), numbers)
    after = state_of(trainer)[0]
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())

    choice = kept(run)
    assert choice is not None
    assert choice.compiled is (trainer.compiled is not None)
    again = trainer_for(experiment)
    assert compile_as_asked(experiment, run, again, never) == []
    assert (again.compiled is None) is (trainer.compiled is None)
    assert json.loads(run.environment.read_text())["torch"] == torch.__version__


def test_auto_measures_again_where_graphs_come_or_go(
    tmp_path: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_choice, "_seconds", pretended(0.5))
    experiment, run = simple(training__compile="auto"), run_in(tmp_path)
    compile_as_asked(experiment, run, trainer_for(experiment), trainer_for)
    recorded = simple(training__compile="auto", training__cuda_graphs=True)
    assert len(compile_as_asked(recorded, run, trainer_for(recorded), trainer_for)) == 1
    assert compile_as_asked(recorded, run, trainer_for(recorded), never) == []
    choice = kept(run)
    assert choice is not None
    assert choice.cuda_graphs


def never(experiment: Experiment) -> Trainer:
    raise AssertionError("measured again")


def pretended(compiled_s: float) -> Callable[[Trainer], float]:
    """A clock for which eager steps take a second."""
    return lambda trainer: 1.0 if trainer.compiled is None else compiled_s


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_auto_takes_what_is_faster(
    seconds: float, tmp_path: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_choice, "_seconds", pretended(seconds))
    experiment = simple(training__compile="auto")
    trainer = trainer_for(experiment)
    (said,) = compile_as_asked(experiment, run_in(tmp_path), trainer, trainer_for)
    assert (trainer.compiled is not None) is (seconds < 1)
    assert f"{seconds * 1000:g} ms compiled, 1000 ms eager" in said


def test_auto_stays_eager_where_nothing_is_of_first_order(tmp_path: Path, graphs: Graphs) -> None:
    r1 = {"r1": {"interval": 1}}
    experiment = simple(training__compile="auto", regularizers=r1)
    trainer = trainer_for(experiment)
    trainer.phases = [phase for phase in trainer.phases if phase.regularizers]
    assert "differentiated twice" in compile_as_asked(experiment, run_in(tmp_path), trainer, never)[0]
    assert trainer.compiled is None


def test_a_continued_run_goes_on_with_what_was_chosen(
    tmp_path: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_choice, "_seconds", pretended(0.5))
    train(simple(training__compile="auto", training__kimg=0.016), tmp_path / "run")
    assert "auto takes compiled networks" in capsys.readouterr().err
    graphs.clear()
    torch._dynamo.reset()
    monkeypatch.setattr(compile_choice, "_measured", lambda *args: pytest.fail("measured again"))
    train(simple(training__compile="auto", training__kimg=0.032), tmp_path / "run")
    assert len(graphs) > 1
    assert "auto takes" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_may_go_on_with_another_wish(tmp_path: Path, graphs: Graphs) -> None:
    train(simple(training__kimg=0.016), tmp_path / "run")
    assert not graphs
    train(simple(training__kimg=0.032, training__compile="on"), tmp_path / "run")
    assert graphs


# -- where nothing can be compiled --------------------------------------------------------------------------------


@pytest.fixture
def no_compiler() -> Iterator[None]:
    import torch._inductor.config

    with torch._inductor.config.patch({"cpp.cxx": (None, "no-such-compiler")}):
        yield


@pytest.mark.usefixtures("no_compiler")
def test_on_without_a_compiler_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(GancoreError, match=r"no C\+\+ compiler .*; off and auto go on without"):
        train(simple(training__compile="on"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("no_compiler")
def test_auto_without_a_compiler_goes_on_and_says_why(tmp_path: Path) -> None:
    experiment, run = simple(training__compile="auto"), run_in(tmp_path)
    check_compiler(experiment.training, CPU)
    trainer = trainer_for(experiment)
    (said,) = compile_as_asked(experiment, run, trainer, never)
    assert "auto takes eager networks: there is no C++ compiler" in said
    assert trainer.compiled is None
    assert kept(run) == Choice(False, said.partition("networks: ")[2])


@pytest.mark.usefixtures("no_compiler")
def test_a_compiled_run_whose_compiler_is_gone_says_that_its_bits_change(tmp_path: Path) -> None:
    experiment, run = simple(training__compile="auto"), run_in(tmp_path)
    run.environment.write_text(json.dumps({"compile": {"compiled": True, "why": "it was faster"}}))
    trainer = trainer_for(experiment)
    (said,) = compile_as_asked(experiment, run, trainer, never)
    assert "it was compiled so far" in said
    assert trainer.compiled is None


def failing(graph: torch.fx.GraphModule, inputs: list[Any]) -> Any:
    """A compiler that can do the trial, and nothing larger."""
    if len(graph.graph.nodes) > 5:
        raise ValueError("too large for me")
    return graph.forward


def test_auto_stays_eager_where_the_compiler_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "BACKEND", failing)
    experiment = simple(training__compile="auto")
    trainer = trainer_for(experiment)
    (said,) = compile_as_asked(experiment, run_in(tmp_path), trainer, trainer_for)
    assert "auto takes eager networks: compiling failed: ValueError: too large for me" in said
    assert trainer.compiled is None


def test_a_run_ends_with_a_word_where_the_compiler_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "BACKEND", failing)
    with pytest.raises(RunFailed, match="compiling failed: ValueError: too large for me; "):
        train(simple(training__compile="on"), tmp_path / "run")
