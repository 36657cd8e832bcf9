"""Counts how often one value changes modules on its way from an experiment's YAML to the plugin that it configures.

    python -m scripts.count_walk

A stay is a module that the value enters: as an argument of a function, or as what a function returned. A return is a
module that it enters again. Only functions that hand the value on count: those that take it, or what holds it, and give
it back, and those that are under way when the generator's constructor has it. The walk is that of
`generator.channels.base`, written in a file that extends another one, with an override of something else.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from gancore.composition.model import compose_generator
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.discovery import discover

VALUE = 12347
BASE = "data: {use: emoji, resolution: 32}\n"
EXPERIMENT = f"""\
extends: base.yaml
generator: {{use: skip, channels: {{base: {VALUE}, max: 8}}}}
discriminator: {{use: residual, channels: {{base: 64, max: 8}}}}
"""
ELSEWHERE = {"installed", "registry", "spec", "plugin", "events"}
"""Attributes that cannot hold the value and are large."""


@dataclasses.dataclass
class Call:
    """A call of a function: where, what it called, whether the value came in and went out, and whether it returned."""

    module: str
    name: str
    took: bool
    gave: bool = False
    ended: bool = False
    inner: list["Call"] = dataclasses.field(default_factory=list)

    def steps(self) -> Iterator[tuple[str, str]]:
        """The modules that the value passes in here, in order."""
        if not self.gave:
            return
        if self.took:
            yield self.module, self.name
        for call in self.inner:
            if call.gave:
                yield from call.steps()
                yield from [(self.module, self.name)] * call.ended


class Recorder:
    """The calls that were made, for sys.setprofile, until a generator's constructor has the value."""

    def __init__(self) -> None:
        self.top = Call("", "", took=True)
        self.stack: list[tuple[FrameType | None, Call]] = [(None, self.top)]
        self.arrived = False

    def __call__(self, frame: FrameType, event: str, result: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if self.arrived or not module.startswith("gancore"):
            return
        code = frame.f_code
        if event == "call" and not code.co_name.startswith("<"):
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            took = any(holds(frame.f_locals[name]) for name in names if name != "self")
            call = Call(module, code.co_qualname, took)
            self.stack[-1][1].inner.append(call)
            self.stack.append((frame, call))
            if took and code.co_name == "__init__" and module.startswith(("gancore_plugins", "gancore.nn")):
                self.arrived = True
                for _, under_way in self.stack:
                    under_way.gave = True
        elif event == "return" and self.stack[-1][0] is frame:
            _, call = self.stack.pop()
            call.gave, call.ended = holds(result), True


def holds(thing: Any, depth: int = 0) -> bool:
    """Whether the value, or the text that it was written as, is in there."""
    if isinstance(thing, str):
        return str(VALUE) in thing
    if isinstance(thing, int | float | type | None) or depth > 9:
        return bool(thing == VALUE)
    if isinstance(thing, dict):
        return any(holds(inner, depth + 1) for inner in thing.values())
    if isinstance(thing, list | tuple):
        return any(holds(inner, depth + 1) for inner in thing)
    names = [*getattr(type(thing), "model_fields", ()), *getattr(type(thing), "__dataclass_fields__", ())]
    return any(holds(getattr(thing, name, None), depth + 1) for name in names if name not in ELSEWHERE)


def walk() -> list[tuple[str, str]]:
    """The stays of the value: modules, each with the function that had it first."""
    discover().get("generator", "skip").load()
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "base.yaml").write_text(BASE)
        (folder / "experiment.yaml").write_text(EXPERIMENT)
        sys.setprofile(recorder)
        try:
            experiment = load_experiment(folder / "experiment.yaml", ["training.kimg=1"])
            compose_generator(experiment, Interface(resolution=32, channels=3, label_dim=0))
        finally:
            sys.setprofile(None)
    steps = [step for call in recorder.top.inner for step in call.steps()]
    return [step for step, before in zip(steps, [("", ""), *steps], strict=False) if step[0] != before[0]]


if __name__ == "__main__":
    stays = walk()
    print(*(f"{module}: {function}" for module, function in stays), sep="\n")
    modules = {module for module, _ in stays}
    print(f"{len(stays)} stays in {len(modules)} modules, {len(stays) - len(modules)} returns")
