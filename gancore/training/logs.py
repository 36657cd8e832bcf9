"""What every run reports to: JSON lines, TensorBoard events, and a progress bar or plain lines; all are observers."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tqdm import tqdm

from gancore.artifacts.run import RunFolder, append_line
from gancore.config import Experiment
from gancore.contracts import Ending, RunInfo
from gancore.discovery import discover
from gancore.display import rewrites_lines
from gancore.messages import tell
from gancore.training.hooks import Hooks
from gancore.training.observer import Observer, Observers, Place, chosen_observers


class Speed:
    """Images per second between log ticks, without the time of evaluations."""

    def __init__(self, kimg: float) -> None:
        self.restart(kimg)

    def restart(self, kimg: float) -> None:
        """Counts time from now on."""
        self.last = (time.perf_counter(), kimg)

    def at(self, kimg: float) -> float:
        """Images/s since the last call or restart."""
        then, before = self.last
        self.restart(kimg)
        return round((kimg - before) * 1000 / max(self.last[0] - then, 1e-9), 2)


class JsonLines(Observer):
    """log.jsonl: a line for each log tick. The run cuts the file back when it returns to an earlier step."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.file = folder.log

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        append_line(self.file, {"step": step, "kimg": round(kimg, 3), **values})


class TensorBoard(Observer):
    """Events of log ticks and scores; those after the step at which a session starts are purged."""

    events: Any

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder, self.events = folder.events, None

    def on_run_start(self, run: RunInfo) -> None:
        self.events = self._open(run.step)

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        for name, value in {"step": step, "kimg": round(kimg, 3), **values}.items():
            self.events.add_scalar(name, value, step)

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        for score in scores:
            self.events.add_scalar(f"score/{score['name']}", score["value"], step)

    def on_rewind(self, step: int, kimg: float) -> None:
        self.events.close()
        self.events = self._open(step)

    def on_run_end(self, ending: Ending, reason: str) -> None:
        if self.events is not None:
            self.events.close()

    def _open(self, step: int) -> Any:
        from torch.utils.tensorboard import SummaryWriter  # slow to import, needed by training only

        return SummaryWriter(str(self.folder), purge_step=step + 1)


class Terminal(Observer):
    """A progress bar on a terminal, plain lines elsewhere. A terminal that is gone is not an error."""

    bar: Any = None

    def on_run_start(self, run: RunInfo) -> None:
        bar = "{l_bar}{bar}| {n:.4g}/{total:g} kimg [{elapsed}<{remaining}{postfix}]"
        self.total = run.total_kimg
        self.bar = tqdm(
            total=self.total, initial=run.kimg, bar_format=bar, disable=not rewrites_lines(), dynamic_ncols=True
        )

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        losses = " ".join(
            f"{name.removeprefix('loss/')} {v:.3f}" for name, v in values.items() if name.startswith("loss/")
        )
        speed = values["images_per_s"]
        text = f"{speed:.1f} img/s {_stage(values)}{losses}"
        self.bar.set_postfix_str(text, refresh=False)
        self._show(kimg)
        if self.bar.disable:
            left = max(self.total - kimg, 0) * 1000 / max(speed, 1e-9)
            tell(f"{kimg:.4g}/{self.total:g} kimg, {_clock(left)} left, {text}")

    def on_rewind(self, step: int, kimg: float) -> None:
        self._show(kimg)

    def on_run_end(self, ending: Ending, reason: str) -> None:
        if self.bar is not None:
            with suppress(OSError):
                self.bar.close()

    def _show(self, kimg: float) -> None:
        with suppress(OSError):  # as for all messages
            self.bar.update(min(kimg, self.bar.total) - self.bar.n)  # the last step may pass the end


def observers_of(experiment: Experiment, folder: RunFolder, observer: Observer | None = None) -> Observers:
    """Those of every run, and those that the experiment lists. Raises GancoreError for one that cannot work here."""
    own = [JsonLines(folder), TensorBoard(folder), Terminal(), Hooks(discover().hooks, folder)]
    given = [] if observer is None else [observer]
    return Observers([*map(Place, [*own, *given]), *chosen_observers(experiment.observers)])


def _stage(values: Mapping[str, float]) -> str:
    """The stage of a growing run: "32x32 alpha 0.25 "."""
    if "growth/resolution" not in values:
        return ""
    size, alpha = round(values["growth/resolution"]), values["growth/alpha"]
    return f"{size}x{size} alpha {alpha:.2f} " if alpha < 1 else f"{size}x{size} "


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
