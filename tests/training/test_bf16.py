"""precision: bf16, for every network: no product in bf16 where the CPU has no instructions for it; float32 fakes."""

from collections import Counter
from typing import Any

import pytest
import torch
from support.small import diagonal, experiment_of, names, regularizers_for
from support.tiny import trainer_for
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gancore.nn import precision
from gancore.training.compile import compiler
from gancore.training.trainer import Trainer

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "convolution_backward", "addmm_")
PAIRS = sorted(diagonal(names("generator"), names("discriminator")))


class Watched(TorchDispatchMode):
    """Counts the products of bf16 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in PRODUCTS and any(isinstance(a, Tensor) and a.dtype == torch.bfloat16 for a in args):
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


def trainer_of(generator: str, discriminator: str, **changes: Any) -> Trainer:
    return trainer_for(experiment_of(generator, discriminator, training__precision="bf16", **changes))


@pytest.mark.parametrize(("generator", "discriminator"), PAIRS)
def test_nothing_is_multiplied_in_bf16_without_instructions_for_it(
    generator: str, discriminator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "CPU_HAS_BF16", False)
    penalties = regularizers_for(generator, discriminator).keys() & {"r1", "path_length"}
    trainer = trainer_of(generator, discriminator, regularizers={name: {} for name in penalties})
    found = Counter[str]()
    for phase in trainer.phases:
        with Watched() as watched:
            loss = trainer.gradients(phase)
        assert loss.isfinite()
        found.update({f"{phase.name}: {name}": count for name, count in watched.found.items()})
    assert not found


@pytest.mark.xdist_group("compiler")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch hides it by itself
def test_nor_in_the_gradients_of_a_compiled_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.backends.common import aot_autograd
    from torch._functorch.aot_autograd import make_boxed_func

    dtypes: list[tuple[str, torch.dtype]] = []

    def noted(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        products = [
            node for node in graph.graph.nodes if getattr(node.target, "__name__", "").split(".")[0] in PRODUCTS
        ]
        dtypes.extend((node.target.__name__, node.meta["val"].dtype) for node in products)
        return make_boxed_func(graph.forward)

    monkeypatch.setattr(compiler, "BACKEND", aot_autograd(fw_compiler=noted, bw_compiler=noted))
    trainer = trainer_of("mlp", "mlp", regularizers={})
    trainer.compile()
    trainer.step()
    torch._dynamo.reset()
    assert len(dtypes) > 10
    assert {dtype for _, dtype in dtypes} == {torch.float32}


def test_it_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CPU_HAS_BF16", True)
    trainer = trainer_of("skip", "original")
    with Watched() as watched:
        trainer.gradients(trainer.phases[0])
    assert watched.found["convolution"]
