"""The hooks that a provider module may implement, and the marker for it.

A provider is the module that a distribution names under `[project.entry-points.gancore]`. It is imported whenever
plugins are listed, so it must be light: no torch. An implementation takes the arguments it needs, by name:

    from gancore import hookimpl

    @hookimpl
    def gancore_step_end(kimg): ...

Hooks see every training on the machine. Its experiment, never a hook, chooses what a training consists of, and the
observers of kind `observer`. An exception in a hook ends the run, which is saved before.
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
    """The attributes of a run that an observer may rely on: its folder."""

    @property
    def path(self) -> Path: ...


@hookspec
def gancore_catalogue() -> "Iterable[PluginSpec]":  # type: ignore[empty-body]
    """The plugins of this distribution; `gancore.catalogue.read_catalogue` reads them from a YAML file."""


@hookspec
def gancore_run_start(run: Run) -> None:
    """Called when the networks of `run` are built (or restored), before the first step of this session."""


@hookspec
def gancore_step_end(run: Run, step: int, kimg: float) -> None:
    """Called after step number `step` (counted from 1), when `kimg` thousand real images have been shown.

    Reading a tensor's value here waits for the device.
    """


@hookspec
def gancore_run_end(run: Run) -> None:
    """Called when the run is over: finished, interrupted or failed; its files are in its folder."""
