"""What is done for a run between steps: logs, samples, scores, checkpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from gancore.artifacts.model import save_model
from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import save_tensors
from gancore.config import Experiment
from gancore.data import ImageData
from gancore.errors import Interrupted, RunError, RunFailed
from gancore.evaluation.progress import Stopped, stoppable
from gancore.training.checkpoint import state_of
from gancore.training.distribution import Processes
from gancore.training.evaluation import RunEvaluation
from gancore.training.interruption import StopRequest
from gancore.training.logs import Logs
from gancore.training.samples import generate, grid_side, save_grid
from gancore.training.trainer import Trainer, scalars_of


@dataclass
class Session:
    """One process's work on a run."""

    experiment: Experiment
    run: RunFolder
    data: ImageData
    device: torch.device
    trainer: Trainer
    logs: Logs
    stop: StopRequest
    evaluation: RunEvaluation
    went_back_to: Path | None = None

    @property
    def processes(self) -> Processes:
        return self.trainer.processes


def alone(act: Callable[[Session], None]) -> Callable[[Session], None]:
    """What the first process does while the others wait for it."""

    def guarded(session: Session) -> None:
        with session.processes.first_alone() as first:
            if first:
                act(session)

    return guarded


def log(session: Session) -> None:
    """A line of values, over all processes."""
    trainer = session.trainer
    values = trainer.stats.read(trainer.processes.mean) | scalars_of(trainer)
    if (stage := trainer.ema.stage) is not None:
        values = {"growth/resolution": float(stage.resolution), "growth/alpha": stage.alpha} | values
    session.logs.tick(trainer.counters.step, trainer.kimg, values)


def sample(session: Session) -> None:
    """A grid of samples of the averaged generator."""
    trainer, seed = session.trainer, session.experiment.training.seed
    images = generate(trainer.averaged(), grid_side(session.data.interface.resolution) ** 2, seed)
    save_grid(samples_file(session), images)


def samples_file(session: Session) -> Path:
    """Where the samples of the present state lie."""
    return session.run.samples / f"fakes-{session.trainer.kimg:010.3f}.png"


def evaluate(session: Session) -> None:
    """Scores; where somebody wants to stop, the run is saved, and is measured when it goes on."""
    trainer = session.trainer
    try:
        with stoppable(lambda: bool(session.stop)):
            scores = session.evaluation.measure(trainer)
    except Stopped:
        checkpoint(session)
        raise stopped(session) from None
    session.logs.scores(trainer.counters.step, trainer.kimg, scores)


def stopped(session: Session) -> Interrupted:
    """What is said of a run that was stopped and is saved."""
    where, kimg = session.run, session.trainer.kimg
    return Interrupted(f"stopped at {kimg:.4g} kimg and saved; run the same command again to continue in {where}")


def checkpoint(session: Session) -> None:
    """A checkpoint, and the model as it stands."""
    written = save(session)
    try:
        session.run.retain(session.experiment.training.keep_checkpoints, written)
    except RunError as error:
        raise RunFailed(f"the checkpoint just written cannot be read back: {error}") from error


def save(session: Session) -> Path:
    """Writes a checkpoint and the model of the present state; gives the checkpoint's path."""
    trainer = session.trainer
    average = trainer.averaged()
    tensors, about = state_of(trainer)
    path = session.run.checkpoint(round(trainer.kimg * 1000))
    save_tensors(path, tensors, about)
    about = {"kimg": trainer.kimg, "step": trainer.counters.step, "data": session.data.identity.to_dict()}
    save_model(session.run.model, average, session.experiment.copied_into(session.run.path), about)
    return path


def last_good(session: Session) -> str:
    """The run folder and its newest checkpoint, in words, for errors."""
    found = session.run.checkpoints()
    where = f"last good checkpoint: {found[0]}" if found else "there is no checkpoint yet"
    return f"run folder: {session.run}, {where}"
