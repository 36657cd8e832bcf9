"""What a run saves, and how it finds its way back: checkpoints, and the model that comes with each.

Only the first process writes; all of them read.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from gancore.artifacts.model import save_model
from gancore.artifacts.run import RunFolder, SoundCheckpoint
from gancore.artifacts.tensors import save_tensors, saved_step
from gancore.config import Experiment
from gancore.config.identity import Identity
from gancore.errors import RunError, RunFailed
from gancore.messages import tell
from gancore.training.checkpoint import misfits_of, modules_of, restore, state_of, unsaved
from gancore.training.distribution import Processes, first_process
from gancore.training.trainer import Trainer


class Saves:
    """The checkpoints of one run, by its identity."""

    def __init__(self, experiment: Experiment, folder: RunFolder, identity: Identity, processes: Processes) -> None:
        self.experiment, self.folder, self.identity, self.processes = experiment, folder, identity, processes
        self.warned_of: set[str] = set()
        self.returned_to: Path | None = None

    @first_process
    def write(self, trainer: Trainer) -> None:
        """Writes a checkpoint and the model of the present state."""
        average = trainer.averaged()
        save_tensors(self.folder.checkpoint(trainer.kimg), *state_of(trainer, self.identity))
        about = {"kimg": trainer.kimg, "step": trainer.counters.step, "data": trainer.data.identity.to_dict()}
        about["identity"] = self.identity.short
        save_model(self.folder.model, average, self.experiment.copied_into(self.folder.path), about)

    def keep(self, trainer: Trainer) -> Path:
        """Writes, and deletes all but the newest `training.keep_checkpoints` checkpoints; for the first process.

        Raises RunFailed if the checkpoint just written cannot be read back.
        """
        self.write(trainer)
        for attribute in unsaved(trainer):
            if attribute not in self.warned_of:
                self.warned_of.add(attribute)
                tell(
                    f"warning: {attribute} is in no checkpoint, so a continued run starts without it; "
                    "what training depends on belongs in a parameter or a buffer (register_buffer)"
                )
        written = self.folder.checkpoint(trainer.kimg)
        try:
            self.folder.retain(self.experiment.training.keep_checkpoints, written)
        except RunError as error:
            raise RunFailed(f"the checkpoint just written cannot be read back: {error}") from error
        return written

    def has(self, trainer: Trainer) -> bool:
        """Whether the folder has a checkpoint of this step, with its model."""
        return saved_step(self.folder.model) == trainer.counters.step and self.folder.checkpoint(trainer.kimg).exists()

    def newest(self, trainer: Trainer) -> SoundCheckpoint | None:
        """The newest sound checkpoint of this run. Raises RunError if a trained run has none left."""
        found = self.folder.newest_checkpoint(self._misfits(trainer))
        if found is None and self.folder.model.exists():
            raise RunError(
                f"{self.folder}: there is a model but no checkpoint to continue from; train elsewhere with --out"
            )
        self.processes.wait()  # until all have looked, before the first one renames files
        return found

    def resume(self, trainer: Trainer, found: SoundCheckpoint | None) -> list[str]:
        """Restores a checkpoint and cuts the logs back to it. Returns notes for the log.

        Newer checkpoints that are damaged, or of another run, are set aside under another name.
        """
        self._cut_back(found)
        if found is None:
            return []
        restore(trainer, found.tensors, found.about)
        notes = list(found.damaged.values())
        if "identity" not in found.about:
            notes.append(f"{found.path}: of an earlier version, which noted no experiment in it")
        what = "finished already:" if trainer.kimg >= self.experiment.training.kimg else "continuing from"
        return [*notes, f"{what} {found.path} ({trainer.kimg:.4g} kimg)"]

    def checkpoint_to_return_to(self, trainer: Trainer) -> Path | None:
        """The newest sound checkpoint, for a rollback; None without one.

        If the last rollback returned to that checkpoint, it did not help: it is set aside, if an older one is sound.
        """
        sound = (found.path for found in self.folder.sound_checkpoints(self._misfits(trainer)))
        newest = next(sound, None)
        unhelpful = newest if newest == self.returned_to else None
        older = next(sound, None) if unhelpful else None
        self.processes.wait()  # until all have looked, before the first one renames files
        if unhelpful and older:
            self._set_aside(unhelpful)
            newest = older
        self.returned_to = newest
        return newest

    @first_process
    def _cut_back(self, found: SoundCheckpoint | None) -> None:
        """Removes later steps from the logs, and sets damaged checkpoints aside."""
        self.folder.cut_logs(found.about["counters"]["step"] if found else 0)
        for damaged in found.damaged if found else ():
            self.folder.set_aside(damaged)

    @first_process
    def _set_aside(self, checkpoint: Path) -> None:
        """Renames a checkpoint, so that the run does not continue from it."""
        self.folder.set_aside(checkpoint)

    def _misfits(self, trainer: Trainer) -> Callable[[dict[str, Tensor], dict[str, Any]], list[str]]:
        """A function that says what a checkpoint is of, if not of this run."""
        return lambda tensors, about: list(misfits_of(self.identity, modules_of(trainer), tensors, about))
