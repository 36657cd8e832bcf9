"""training.cuda_graphs, without a GPU: networks whose results lie in fixed places that the next phase overwrites.

Graphs are run by torch's own kernels here; what they give is treated as torch treats that of CUDA graphs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from support.small import experiment_of
from support.tiny import tiny_experiment, trainer_for
from torch import Tensor

from gancore.config import Experiment
from gancore.config.sections.training import TrainingConfig
from gancore.errors import ConfigError, GancoreError
from gancore.training.checkpoint import state_of
from gancore.training.compile import compiler
from gancore.training.device import training_device
from gancore.training.trainer import Trainer

pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor"),  # torch hides it by itself
    pytest.mark.xdist_group("compiler"),
]

GRAPHS: dict[str, Any] = {"training__compile": "on", "training__cuda_graphs": True}


class FixedPlaces:
    """The memory of CUDA graphs: the k-th call of a graph since a phase began writes where it wrote the last time."""

    def __init__(self) -> None:
        self.places: dict[tuple[int, int], list[Tensor | None]] = {}
        self.calls: Counter[int] = Counter()
        self.options: list[Any] = []

    def begin(self) -> None:
        """Whatever was given is lost."""
        self.calls.clear()
        for place in self.places.values():
            for value in place:
                if value is not None and value.is_floating_point():
                    value.fill_(float("nan"))

    def backend(self, graph: torch.fx.GraphModule, inputs: Sequence[Any], options: Any = None) -> Any:
        from torch._dynamo.backends.common import aot_autograd

        self.options.append(options)
        return aot_autograd(fw_compiler=self.compiler, bw_compiler=self.compiler)(graph, inputs)

    def compiler(self, graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> Any:
        def run(*args: Any) -> Any:
            its = [arg.untyped_storage().data_ptr() for arg in args if isinstance(arg, Tensor)]
            given = graph(*args)
            key = (id(graph), self.calls[id(graph)])
            self.calls[id(graph)] += 1
            own = [isinstance(v, Tensor) and v.untyped_storage().data_ptr() not in its for v in given]
            if key not in self.places:
                self.places[key] = [v.detach().clone() if mine else None for v, mine in zip(given, own, strict=True)]
            return [
                value if place is None else place.copy_(value).detach()  # another tensor, in the same memory
                for place, value in zip(self.places[key], given, strict=True)
            ]

        from torch._functorch.aot_autograd import make_boxed_func

        return make_boxed_func(run)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[FixedPlaces]:
    places = FixedPlaces()
    monkeypatch.setattr(compiler, "BACKEND", places.backend)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", places.begin)
    yield places
    torch._dynamo.reset()


def simple(**changes: Any) -> Experiment:
    """Networks without convolutions, which are traced quickly; microbatches, whose gradients add up."""
    regularizers = {"regularizers": {"r1": {"interval": 2}}}
    batch = {"training__batch": 8, "training__microbatch": 4}
    return experiment_of("mlp", "mlp", **{"data__resolution": 8, **batch, **regularizers, **changes})


def difference_after(steps: int, made: Callable[..., Experiment] = simple) -> float:
    """The largest one between the states of an eager training and of one whose results lie in fixed places."""
    eager, fast = trainer_for(made()), trainer_for(made(**GRAPHS))
    fast.compile()
    for trainer in (eager, fast):
        for _ in range(steps):
            trainer.step()
        trainer.stats.read()
    pairs = zip(state_of(eager)[0].items(), state_of(fast)[0].values(), strict=True)
    return max(float((a.double() - b.double()).abs().max().nan_to_num(torch.inf)) for (_, a), b in pairs)


def test_nothing_of_a_phase_is_needed_after_it(memory: FixedPlaces) -> None:
    assert difference_after(3) < 1e-4
    assert memory.options == [{"triton.cudagraphs": True}] * len(memory.options) != []


@pytest.mark.slow
def test_nothing_of_a_phase_of_a_stylegan2_is_needed_after_it(memory: FixedPlaces) -> None:
    """With averages of ws and path lengths, and convolutions that a compiler calls as they are."""
    assert difference_after(2, partial(tiny_experiment, data__resolution=8, training__batch=4)) < 1e-4


def test_it_would_be_seen(memory: FixedPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients of a microbatch that are overwritten by the next one."""
    backward: Callable[..., Tensor] = Trainer._backward

    def planted(trainer: Trainer, *args: Any) -> Tensor:
        if trainer.compiled is not None:
            trainer.compiled.begin()
        return backward(trainer, *args)

    monkeypatch.setattr(Trainer, "_backward", planted)
    assert difference_after(1) > 1e-3  # a wrong gradient turns a step of Adam around, whatever its size


@pytest.mark.slow
def test_without_the_option_there_are_none(memory: FixedPlaces) -> None:
    trainer = trainer_for(simple(training__compile="on"))
    trainer.compile()
    trainer.step()
    assert set(memory.options) == {None}


def test_they_are_those_of_compiled_networks() -> None:
    with pytest.raises(ConfigError, match="cuda_graphs: true needs compile: on or auto"):
        simple(training__cuda_graphs=True)


def test_they_need_cuda() -> None:
    with pytest.raises(GancoreError, match="cuda_graphs: true needs a cuda device, not cpu"):
        training_device(TrainingConfig(cuda_graphs=True, compile="on", device="cpu"))
