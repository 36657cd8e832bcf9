"""The hooks that a provider module may implement, and the marker for it.

A provider is the module that a distribution names under `[project.entry-points.gancore]`. It is imported whenever
plugins are listed, so it must be light: no torch. An implementation takes the arguments it wants, by name:

    from gancore import hookimpl

    @hookimpl
    def gancore_step_end(kimg): ...

Observers see the training; which plugins take part in it is the experiment's choice, never that of a hook.
An exception in an observer ends the run, as any error does.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pluggy

if TYPE_CHECKING:
    from gancore.registry import PluginSpec

hookspec = pluggy.HookspecMarker("gancore")
hookimpl = pluggy.HookimplMarker("gancore")


class Run(Protocol):
    """What an observer may rely on of the run in progress: its folder."""

    @property
    def path(self) -> Path: ...


@hookspec
def gancore_catalogue() -> "Iterable[PluginSpec]":  # type: ignore[empty-body]
    """The plugins of this distribution; `gancore.catalogue.read_catalogue` reads them from a YAML file."""


@hookspec
def gancore_run_start(run: Run) -> None:
    """The networks of `run` are built (or restored), and the first step of this session is about to start."""


@hookspec
def gancore_step_end(run: Run, step: int, kimg: float) -> None:
    """Step number `step` (counted from 1) is done; `kimg` thousand real images have been shown.

    Reading a tensor's value here waits for the device.
    """


@hookspec
def gancore_run_end(run: Run) -> None:
    """The run is over: finished, interrupted or failed; what it saved is in its folder."""
