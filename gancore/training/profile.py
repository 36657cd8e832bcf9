"""Where the time of training goes: some steps of a run, timed by phase and by module.

After a few steps to warm up, the clock is read around each phase, around its gradients and its update, and around the
forward pass of every module; on CUDA the device is waited for each time, so profiled steps are slower than others. What
a phase spends beyond forward passes is the backward pass and the losses; activations that are computed again in the
backward pass are forward passes once more. The run's bits stay the same. A compiled network is one module here: there
is no time between those inside it.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from gancore.artifacts.atomic import write_json, write_text
from gancore.artifacts.run import RunFolder
from gancore.messages import tell
from gancore.training.device import describe_environment, wait_for
from gancore.training.trainer import Trainer

WARMUP, STEPS = 5, 64
"""Steps that are not timed, and that are; 64 meet regularizers of the usual intervals at least four times."""


class Profile:
    """Times of one trainer. `step`, `_run`, `gradients` and `_end_step` are wrapped until the last timed step."""

    def __init__(self, trainer: Trainer, warmup: int = WARMUP, steps: int = STEPS) -> None:
        self.trainer, self.warmup, self.wanted = trainer, warmup, steps
        self.steps: list[float] = []
        self.phases: dict[str, list[float]] = defaultdict(list)
        self.gradients: dict[str, float] = defaultdict(float)
        self.forward: dict[str, float] = defaultdict(float)
        self.modules: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
        """Calls, seconds, and seconds of the modules inside."""
        self._seen, self._phase, self._open = 0, "", list[list[float]]()
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Times the trainer's steps inside the block."""
        self._wrap("step", self._step)
        try:
            yield
        finally:
            self._stop()

    def _step(self, step: Callable[[], None]) -> None:
        self._seen += 1
        if self._seen <= self.warmup:
            step()
            return
        if not self.steps:
            self._start()
        self.steps.append(self._seconds(step))
        if len(self.steps) == self.wanted:
            self._stop()

    def _start(self) -> None:
        self._wrap("_run", self._run)
        self._wrap("gradients", self._gradients)
        self._wrap("_end_step", self._end)
        compiled = self.trainer.compiled
        inside = compiled.inside() if compiled else set()  # of one graph, which hooks would take apart
        for network, module in self.trainer.gan.modules().items():
            for path, part in module.named_modules():
                if part in inside:
                    continue
                self._hooks.append(part.register_forward_pre_hook(self._before))
                after = self._after(f"{network}.{path}".rstrip("."))
                self._hooks.append(part.register_forward_hook(after, always_call=True))  # recomputing ends by raising

    def _stop(self) -> None:
        for name in ("step", "_run", "gradients", "_end_step"):
            vars(self.trainer).pop(name, None)  # what the class has comes back
        for hook in self._hooks:
            hook.remove()

    def _wrap(self, name: str, instead: Callable[..., Any]) -> None:
        own = getattr(self.trainer, name)
        vars(self.trainer)[name] = lambda *args: instead(lambda: own(*args), *args)

    def _run(self, run: Callable[[], None], phase: Any) -> None:
        self._phase = phase.name
        self.phases[phase.name].append(self._seconds(run))
        self._phase = ""

    def _gradients(self, gradients: Callable[[], Any], *args: Any) -> Any:
        found: list[Any] = []
        self.gradients[self._phase] += self._seconds(lambda: found.append(gradients()))
        return found[0]

    def _end(self, end: Callable[[], None]) -> None:
        self.phases["end of step"].append(self._seconds(end))

    def _before(self, module: nn.Module, args: Any) -> None:
        self._open.append([self._now(), 0.0])

    def _after(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            start, inside = self._open.pop()
            taken = self._now() - start
            entry = self.modules[name]
            entry[0], entry[1], entry[2] = entry[0] + 1, entry[1] + taken, entry[2] + inside
            if self._open:
                self._open[-1][1] += taken
            else:
                self.forward[self._phase] += taken

        return hook

    def _now(self) -> float:
        wait_for(self.trainer.device)
        return time.perf_counter()

    def _seconds(self, work: Callable[[], object]) -> float:
        start = self._now()
        work()
        return self._now() - start

    def to_dict(self) -> dict[str, Any]:
        """Milliseconds: `ms` of a call (median), the others as they fall on one step, however seldom a phase is due.

        `backward` is what gradients take beyond forward passes, `update` what is left of a phase.
        """
        count, total = max(len(self.steps), 1), sum(self.steps) or 1.0
        return {
            **describe_environment(self.trainer.device),
            "warmup": self.warmup,
            "steps": len(self.steps),
            "ms_per_step": total / count * 1000,
            "phases": [self._phase_times(name, count, total) for name in self.phases],
            "modules": [self._module_times(name, count, total) for name in sorted(self.modules, key=self._minus_own)],
        }

    def _phase_times(self, name: str, count: int, total: float) -> dict[str, Any]:
        times, forward, gradients = self.phases[name], self.forward[name], self.gradients[name]
        return {
            "phase": name,
            "calls": len(times),
            "ms": statistics.median(times) * 1000,
            "ms_per_step": sum(times) / count * 1000,
            "forward": forward / count * 1000,
            "backward": (gradients - forward) / count * 1000,
            "update": (sum(times) - gradients) / count * 1000,
            "share": sum(times) / total,
        }

    def _module_times(self, name: str, count: int, total: float) -> dict[str, Any]:
        calls, taken, inside = self.modules[name]
        return {
            "module": name,
            "calls": calls,
            "ms_per_step": taken / count * 1000,
            "own_ms_per_step": (taken - inside) / count * 1000,
            "share": (taken - inside) / total,
        }

    def _minus_own(self, name: str) -> float:
        """Sorts modules by their own time, the longest first."""
        _, taken, inside = self.modules[name]
        return inside - taken


@contextmanager
def profiled(run: RunFolder, trainer: Trainer) -> Iterator[None]:
    """Writes profile.json and profile.txt into the run folder when the block ends, however it ends."""
    profile = Profile(trainer)
    try:
        with profile.watching():
            yield
    finally:
        if not profile.steps:
            tell(f"no profile: this took no more than the {profile.warmup} steps that are not timed")
        else:
            found = profile.to_dict()
            write_json(run.path / "profile.json", found)
            write_text(run.path / "profile.txt", as_text(found))


def as_text(found: dict[str, Any]) -> str:
    """Two tables: phases in their order, modules by their own time in the forward pass."""
    head = f"{found['steps']} steps after {found['warmup']}: {found['ms_per_step']:.1f} ms a step; "
    lines = [head + f"{found['device']}, {found['threads']} threads, torch {found['torch']}", ""]
    lines.append(f"{'ms on one step':32} {'calls':>6} {'a call':>9} {'a step':>9} {'share':>6} "
                 f"{'forward':>9} {'backward':>9} {'update':>9}")  # fmt: skip
    for p in found["phases"]:
        lines.append(f"{p['phase']:32} {p['calls']:6} {p['ms']:9.2f} {p['ms_per_step']:9.2f} {p['share']:6.1%} "
                     f"{p['forward']:9.2f} {p['backward']:9.2f} {p['update']:9.2f}")  # fmt: skip
    width = max([56, *(len(m["module"]) for m in found["modules"])])
    lines += ["", f"{'forward pass by module':{width}} {'calls':>6} {'a step':>9} {'own':>9} {'share':>6}"]
    for m in found["modules"]:
        lines.append(f"{m['module']:{width}} {m['calls']:6} {m['ms_per_step']:9.2f} {m['own_ms_per_step']:9.2f} "
                     f"{m['share']:6.1%}")  # fmt: skip
    return "\n".join(lines) + "\n"
