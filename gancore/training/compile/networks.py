"""torch.compile of networks, in phases whose losses are differentiated once.

A compiled graph cannot be differentiated twice, so phases with second-order penalties (R1, path length) stay eager; so
do steps in which a resolution fades in, since every alpha would be another graph. Mapping, synthesis and discriminator
have a graph for each use (network in training, batch, resolution). Weights, state dicts and everything
except forward passes are those of the eager networks. Compiled networks compute other bits.

As CUDA graphs (`training.cuda_graphs`), forward and backward passes are replayed without the host launching kernels.
torch copies their inputs to fixed places; their outputs are in fixed places, too, and the next phase overwrites
them: `begin()` marks its start, and no output of a graph outlives its phase.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from gancore.composition import GAN
from gancore.contracts import Draw, Pass, Regularizer, Stage
from gancore.device import forked_rng
from gancore.training.compile import compiler
from gancore.training.step.phases import Phase

GRAPHS = 128
"""Most compilations of one forward pass: growing from 4 to 1024 takes 9 times about 4."""

Asked = tuple[tuple[str, ...], str, str, tuple[int, ...]]
"""Random numbers that a network requests: names of the scopes, method of the draw, purpose, shape."""


def is_first_order(phase: Phase, regularizers: Mapping[str, Regularizer]) -> bool:
    """Whether nothing in a phase is differentiated twice."""
    return not any(regularizers[key].second_order for key in phase.regularizers)


def is_fading(stage: Stage | None) -> bool:
    """Whether the newest resolution of a growing run has not its full weight yet."""
    return stage is not None and stage.alpha < 1


class CompiledNetworks:
    """The compiled forward passes of a GAN's networks, which replace the eager ones inside `running()`.

    Each is compiled when it first runs.
    """

    def __init__(self, gan: GAN, device: torch.device, cuda_graphs: bool = False) -> None:

        self.cuda_graphs = cuda_graphs
        modules = (gan.generator.mapping, gan.generator.synthesis, gan.discriminator)
        self.forwards = [CompiledForward(module, device, cuda_graphs) for module in modules]

    def inside(self) -> set[nn.Module]:
        """The modules that are parts of a graph."""
        return {part for forward in self.forwards for part in forward.module.modules() if part is not forward.module}

    def begin(self) -> None:
        """Starts a phase: the outputs of CUDA graphs in the one before are no longer needed."""
        if self.cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within this context networks run compiled."""
        with ExitStack() as stack:
            limit = max(torch._dynamo.config.recompile_limit, GRAPHS)
            stack.enter_context(torch._dynamo.config.patch(recompile_limit=limit))
            stack.enter_context(torch._functorch.config.patch(backward_pass_autocast="off"))  # as in eager steps
            for forward in self.forwards:
                stack.enter_context(forward_of(forward.module, forward))
            yield


class CompiledForward:
    """The forward pass of one module, compiled for the shapes it meets.

    Random numbers come from seeds, by code that no compiler can trace: they are drawn before, and passed as
    tensors. A rehearsal finds which ones the module requests, for each kind of arguments.
    """

    def __init__(self, module: nn.Module, device: torch.device, cuda_graphs: bool = False) -> None:
        self.module, self.device, self.eager = module, device, module.forward
        options: dict[str, Any] | None = {"triton.cudagraphs": True} if cuda_graphs else None
        self.compiled = torch.compile(module.forward, backend=compiler.BACKEND, dynamic=False, options=options)
        self.signature = inspect.signature(module.forward)
        self.asked: dict[tuple[Any, ...], list[Asked]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = self.signature.bind(*args, **kwargs)
        if (draw := _draw_of(call)) is not None:
            kind = tuple(_kind(value) for value in call.arguments.values())
            if kind not in self.asked:
                self.asked[kind] = self._rehearsed(call, draw)
            _give(call, drawn(draw, self.asked[kind]))
        return self.compiled(*call.args, **call.kwargs)

    @torch.no_grad()
    def _rehearsed(self, call: inspect.BoundArguments, draw: Draw) -> list[Asked]:
        """The requests of an eager pass of a copy; torch's generators do not change."""
        notes = NotingDraw(draw)
        _give(call, notes)
        with forward_of(self.module, self.eager), forked_rng(self.device):
            copy.deepcopy(self.module)(*call.args, **call.kwargs)
        return notes.asked


class NotingDraw:
    """A draw that records which numbers are requested, below `path`."""

    def __init__(self, draw: Draw, path: tuple[str, ...] = (), asked: list[Asked] | None = None) -> None:
        self.draw, self.n, self.path = draw, draw.n, path
        self.asked: list[Asked] = [] if asked is None else asked

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        self.asked.append((self.path, "normal", purpose, tuple(shape)))
        return self.draw.normal(purpose, shape)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        self.asked.append((self.path, "uniform", purpose, tuple(shape)))
        return self.draw.uniform(purpose, shape)

    def once(self, purpose: str) -> float:
        return self.draw.once(purpose)

    def scoped(self, name: str) -> "NotingDraw":
        return NotingDraw(self.draw.scoped(name), (*self.path, name), self.asked)


class PreparedDraw:
    """A draw of numbers that exist already. It draws others on request, which breaks the graph."""

    def __init__(self, draw: Draw, numbers: Mapping[Asked, Tensor], path: tuple[str, ...] = ()) -> None:
        self.draw, self.n, self.numbers, self.path = draw, draw.n, numbers, path

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        key = (self.path, "normal", purpose, tuple(shape))
        return self.numbers[key] if key in self.numbers else self.draw.normal(purpose, shape)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        key = (self.path, "uniform", purpose, tuple(shape))
        return self.numbers[key] if key in self.numbers else self.draw.uniform(purpose, shape)

    def once(self, purpose: str) -> float:
        return self.draw.once(purpose)

    def scoped(self, name: str) -> "PreparedDraw":
        return PreparedDraw(self.draw.scoped(name), self.numbers, (*self.path, name))


def drawn(draw: Draw, asked: Sequence[Asked]) -> PreparedDraw:
    """The requested numbers, drawn now."""
    numbers = {}
    for path, method, purpose, shape in asked:
        scope = reduce(lambda inner, name: inner.scoped(name), path, draw)
        numbers[path, method, purpose, shape] = getattr(scope, method)(purpose, shape)
    return PreparedDraw(draw, numbers)


@contextmanager
def forward_of(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Within this context a module has another forward pass."""
    own = vars(module)
    before = {"forward": own["forward"]} if "forward" in own else {}
    own["forward"] = forward
    try:
        yield
    finally:
        del own["forward"]
        own.update(before)


def _draw_of(call: inspect.BoundArguments) -> Draw | None:
    """The draw of a call: that of its Pass, or its argument `draw`."""
    passes = [value.draw for value in call.arguments.values() if isinstance(value, Pass)]
    return passes[0] if passes else call.arguments.get("draw")


def _give(call: inspect.BoundArguments, draw: Draw) -> None:
    """Replaces the draw of a call."""
    for name, value in call.arguments.items():
        if isinstance(value, Pass):
            call.arguments[name] = replace(value, draw=draw)
        elif name == "draw":
            call.arguments[name] = draw


def _kind(value: Any) -> Any:
    """The properties of an argument that decide which random numbers are requested."""
    if isinstance(value, Tensor):
        return value.shape
    if isinstance(value, tuple):
        return tuple(map(_kind, value))
    if isinstance(value, Pass):
        return tuple(_kind(getattr(value, field.name)) for field in fields(value))
    return value if isinstance(value, bool | int | str | Stage) else type(value)
