"""The hooks of installed distributions (gancore.hookspecs) as an observer of a run."""

import traceback
from typing import Any

from gancore.artifacts.run import RunFolder
from gancore.contracts import Ending, RunInfo
from gancore.registry import explain
from gancore.training.observer import Observer, ObserverFailed


class Hooks(Observer):
    """Calls the hooks of every provider. An exception in one ends the run, under the name of its distribution."""

    def __init__(self, relay: Any, folder: RunFolder) -> None:
        """relay: `Registry.hooks`."""
        super().__init__()
        self.relay, self.folder = relay, folder

    def on_run_start(self, run: RunInfo) -> None:
        self._call(self.relay.gancore_run_start, run=self.folder)

    def on_step(self, step: int, kimg: float) -> None:
        self._call(self.relay.gancore_step_end, run=self.folder, step=step, kimg=kimg)

    def on_run_end(self, ending: Ending, reason: str) -> None:
        self._call(self.relay.gancore_run_end, run=self.folder)

    def _call(self, hook: Any, **values: Any) -> None:
        try:
            hook(**values)
        except (Exception, SystemExit) as error:
            raise ObserverFailed(f"hook {hook.name} of {_author(hook, error)}: {explain(error)}") from error


def _author(hook: Any, error: BaseException) -> str:
    """The distribution whose function raised, and the last line in its module: "lecam-plugins (lecam.py:12)"."""
    frames = list(traceback.walk_tb(error.__traceback__))
    for implementation in hook.get_hookimpls():
        code = implementation.function.__code__
        if any(frame.f_code is code for frame, _ in frames):
            lines = [line for frame, line in frames if frame.f_code.co_filename == code.co_filename]
            return f"{implementation.plugin_name.partition(':')[0]} ({code.co_filename}:{lines[-1]})"
    return "an unknown distribution"
