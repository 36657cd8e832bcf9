"""The logs of a training run: JSON lines, TensorBoard events, and a progress bar or plain lines."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tqdm import tqdm

from gancore.artifacts.run import RunFolder, append_line
from gancore.display import rewrites_lines
from gancore.evaluation import Score
from gancore.messages import tell


class Logs:
    """Logs of one session of a run; records are for a step, times for this session."""

    def __init__(self, run: RunFolder, step: int, kimg: float, total_kimg: float) -> None:
        self._run, self._total = run, total_kimg
        self._events = _events(run, step)
        self._last = (time.perf_counter(), kimg)
        bar = "{l_bar}{bar}| {n:.4g}/{total:g} kimg [{elapsed}<{remaining}{postfix}]"
        self._bar = tqdm(
            total=total_kimg, initial=kimg, bar_format=bar, disable=not rewrites_lines(), dynamic_ncols=True
        )

    def tick(self, step: int, kimg: float, values: dict[str, float]) -> None:
        """One log tick: `values` by name, and the speed since the last tick in images/s."""
        now = time.perf_counter()
        speed = (kimg - self._last[1]) * 1000 / max(now - self._last[0], 1e-9)
        self._last = (now, kimg)
        record = {"step": step, "kimg": round(kimg, 3), "images_per_s": round(speed, 2), **values}
        append_line(self._run.log, record)
        for name, value in record.items():
            self._events.add_scalar(name, value, step)
        self._show(kimg, speed, values)

    def scores(self, step: int, kimg: float, scores: Sequence[Score]) -> None:
        """The results of an evaluation; its time does not count as training time."""
        self._last = (time.perf_counter(), kimg)
        for score in scores:
            self._events.add_scalar(f"score/{score.name}", score.value, step)
            self.say(f"{kimg:.4g} kimg: {score}")

    def rewind(self, step: int, kimg: float) -> None:
        """Withdraws events after a step to which the run has returned."""
        self._events.close()
        self._events = _events(self._run, step)
        self._last = (time.perf_counter(), kimg)
        self._show_bar(kimg)

    def say(self, message: str) -> None:
        """Prints a line to the terminal, above the progress bar."""
        tell(message)

    def close(self) -> None:
        with suppress(OSError):
            self._bar.close()
        self._events.close()

    def _show(self, kimg: float, speed: float, values: dict[str, float]) -> None:
        losses = " ".join(
            f"{name.removeprefix('loss/')} {v:.3f}" for name, v in values.items() if name.startswith("loss/")
        )
        text = f"{speed:.1f} img/s {_stage(values)}{losses}"
        self._bar.set_postfix_str(text, refresh=False)
        self._show_bar(kimg)
        if self._bar.disable:
            left = max(self._total - kimg, 0) * 1000 / max(speed, 1e-9)
            tell(f"{kimg:.4g}/{self._total:g} kimg, {_clock(left)} left, {text}")

    def _show_bar(self, kimg: float) -> None:
        with suppress(OSError):  # as for all messages: the terminal may be gone
            self._bar.update(kimg - self._bar.n)


class Silence(Logs):
    """The logs of a process that is not the first of its run."""

    def __init__(self, run: RunFolder, step: int, kimg: float, total_kimg: float) -> None:
        """Opens nothing."""

    def tick(self, step: int, kimg: float, values: dict[str, float]) -> None:
        """The first process does this."""

    def scores(self, step: int, kimg: float, scores: Sequence[Score]) -> None:
        """The first process does this."""

    def rewind(self, step: int, kimg: float) -> None:
        """The first process does this."""

    def say(self, message: str) -> None:
        """The first process does this."""

    def close(self) -> None:
        """There is nothing to close."""


def _stage(values: dict[str, float]) -> str:
    """The stage of a growing run: "32x32 alpha 0.25 "."""
    if "growth/resolution" not in values:
        return ""
    size, alpha = round(values["growth/resolution"]), values["growth/alpha"]
    return f"{size}x{size} alpha {alpha:.2f} " if alpha < 1 else f"{size}x{size} "


def _events(run: RunFolder, step: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter  # slow to import, needed by training only

    return SummaryWriter(str(run.events), purge_step=step + 1)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
