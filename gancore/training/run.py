"""A training run from its experiment to its model file: starts, continues, logs, saves, and stops in good order."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gancore.artifacts.atomic import write_json, write_text
from gancore.artifacts.model import save_model
from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import save_tensors
from gancore.composition import compose, compose_dataset
from gancore.config import Experiment, Source, as_experiment
from gancore.data import ImageData, open_data
from gancore.discovery import discover
from gancore.errors import DataError, Interrupted, RunFailed
from gancore.training.checkpoint import restore, state_of
from gancore.training.device import describe_environment, pick_device
from gancore.training.divergence import keep_evidence
from gancore.training.evaluation import RunEvaluation
from gancore.training.identity import check_same_data, check_same_experiment
from gancore.training.interruption import StopRequest, stop_request
from gancore.training.logs import Logs
from gancore.training.memory import fitting_microbatch, is_out_of_memory
from gancore.training.samples import generate, grid_side, real_images, save_grid
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


def train(experiment: Source, out: str | Path | None = None) -> RunFolder:
    """Trains an experiment into a run folder (default `runs/<name>`), or continues the run that is there.

    Raises:
        DataError, RunError, GancoreError: the request was wrong; nothing was written.
        RunFailed: the run diverged or ran out of memory; the message names its last good checkpoint.
        Interrupted: SIGINT or SIGTERM came; the run is saved and the message says how to continue.
    """
    experiment = as_experiment(experiment)
    if experiment.grid is not None:
        raise experiment.error("grid", "this is a grid of experiments; run it with `gancore grid run FILE`")
    run = RunFolder(Path(out) if out else Path("runs") / experiment.name)
    run.check_usable()
    if run.exists():
        check_same_experiment(run, experiment)
    device = pick_device(experiment.training)
    torch.set_num_threads(experiment.training.threads or torch.get_num_threads())
    data = training_data(experiment)
    if run.exists():
        check_same_data(run, data)
    evaluation = RunEvaluation(experiment, run, data, device)
    trainer = new_trainer(experiment, data, device)
    with run.locked(), stop_request() as stop:
        _prepare(run, experiment, data, device)
        words = _continue(run, trainer)
        logs = Logs(run, trainer.counters.step, trainer.kimg, experiment.training.kimg)
        session = Session(experiment, run, data, device, trainer, logs, stop, evaluation)
        for word in words:
            logs.say(word)
        hooks = discover().hooks
        hooks.gancore_run_start(run=run)
        try:
            _loop(session, hooks.gancore_step_end)
        finally:
            logs.close()
            hooks.gancore_run_end(run=run)
    return run


def training_data(experiment: Experiment) -> ImageData:
    """The images of an experiment, decoded and checked; raises DataError with the line that names them."""
    try:
        return open_data(compose_dataset(experiment), experiment.data.core, name=experiment.data.use)
    except DataError as error:
        raise DataError(str(experiment.error("data", str(error)))) from error


def new_trainer(experiment: Experiment, data: ImageData, device: torch.device) -> Trainer:
    """A trainer at step 0."""
    gan = compose(experiment, data.interface)
    return Trainer(gan, data, experiment.training, experiment.data.core.mirror, device)


def _prepare(run: RunFolder, experiment: Experiment, data: ImageData, device: torch.device) -> None:
    """Writes what describes the run: the resolved experiment, the environment, the identity of the data."""
    run.clear_leftovers()
    about = {"plugins": experiment.plugin_origins(), "data": data.identity.to_dict()}
    write_json(run.environment, describe_environment(device) | about)
    side = grid_side(data.interface.resolution)
    save_grid(run.samples / "reals.png", real_images(data, side * side, experiment.training.seed))
    write_text(run.config, experiment.copied_into(run.path).to_yaml())  # last: from now on this is a run


def _continue(run: RunFolder, trainer: Trainer) -> list[str]:
    """Restores the newest sound checkpoint, cuts the logs back to it, and says what was found."""
    found = run.newest_checkpoint()
    run.cut_logs(trainer.counters.step if found is None else found[2]["counters"]["step"])
    if found is None:
        return []
    path, tensors, about, damaged = found
    restore(trainer, tensors, about)
    return [*damaged, f"continuing from {path} ({trainer.kimg:.1f} kimg)"]


def _loop(session: Session, step_end: Callable[..., Any]) -> None:
    training = session.experiment.training
    if session.trainer.counters.step == 0:
        _sample(session)
    while session.trainer.kimg < training.kimg:
        before = session.trainer.kimg
        _guarded_step(session)
        kimg = session.trainer.kimg
        step_end(run=session.run, step=session.trainer.counters.step, kimg=kimg)
        for every, act in (
            (training.log_kimg, _log),
            (training.sample_kimg, _sample),
            (session.evaluation.every_kimg, _evaluate),  # before the checkpoint: what is saved has been measured
            (training.checkpoint_kimg, _checkpoint),
        ):
            if int(kimg / every) > int(before / every) and _sound(session):
                act(session)
        if session.stop and kimg < training.kimg and _sound(session):
            _checkpoint(session)
            raise Interrupted(
                f"stopped at {session.trainer.kimg:.1f} kimg and saved; "
                f"run the same command again to continue in {session.run}"
            )
    _finish(session)


def _finish(session: Session) -> None:
    if session.evaluation.is_due(session.trainer) and _sound(session):
        _evaluate(session)
    newest = session.run.checkpoint(round(session.trainer.kimg * 1000))
    if (not newest.exists() or not session.run.model.exists()) and _sound(session):
        _checkpoint(session)
        _sample(session)


def _guarded_step(session: Session) -> None:
    try:
        session.trainer.step()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        fits = fitting_microbatch(session.trainer)
        advice = f"-o training.microbatch={fits} fits" if fits else "not even a microbatch of one image fits"
        raise RunFailed(f"out of memory: {advice}; {_last_good(session)}") from error


def _sound(session: Session) -> bool:
    """Whether all was finite. If not: stops the run, or takes it back to its last checkpoint."""
    bad_step = session.trainer.guard.first_bad_step()
    if bad_step is None:
        return True
    attempt, policy = session.trainer.counters.attempt, session.experiment.training.on_divergence
    evidence = keep_evidence(session.run, session.trainer, bad_step)
    message = f"not finite at step {bad_step}; evidence in {evidence}; {_last_good(session)}"
    if policy.action == "stop" or attempt >= policy.rollbacks:
        raise RunFailed(message)
    session.logs.say(f"{message}; going back there, attempt {attempt + 1} of {policy.rollbacks}")
    _roll_back(session, attempt + 1)
    return False


def _roll_back(session: Session, attempt: int) -> None:
    """The last checkpoint again (or the start), with the random numbers of another attempt."""
    session.trainer = new_trainer(session.experiment, session.data, session.device)
    _continue(session.run, session.trainer)
    session.trainer.counters.attempt = attempt
    session.logs.rewind(session.trainer.kimg)
    _save(session)  # so that a kill does not forget the attempt


def _log(session: Session) -> None:
    trainer = session.trainer
    values = trainer.stats.read() | scalars_of(trainer)
    session.logs.tick(trainer.counters.step, trainer.kimg, values)


def _sample(session: Session) -> None:
    trainer, seed = session.trainer, session.experiment.training.seed
    images = generate(trainer.averaged(), grid_side(session.data.interface.resolution) ** 2, seed)
    save_grid(session.run.samples / f"fakes-{trainer.kimg:010.3f}.png", images)


def _evaluate(session: Session) -> None:
    trainer = session.trainer
    session.logs.scores(trainer.counters.step, trainer.kimg, session.evaluation.measure(trainer))


def _checkpoint(session: Session) -> None:
    """A checkpoint, and the model as it stands."""
    _save(session)
    session.run.retain(session.experiment.training.keep_checkpoints)


def _save(session: Session) -> None:
    trainer = session.trainer
    average = trainer.averaged()
    tensors, about = state_of(trainer)
    save_tensors(session.run.checkpoint(round(trainer.kimg * 1000)), tensors, about)
    about = {"kimg": trainer.kimg, "step": trainer.counters.step, "data": session.data.identity.to_dict()}
    save_model(session.run.model, average, session.experiment.copied_into(session.run.path), about)


def _last_good(session: Session) -> str:
    found = session.run.checkpoints()
    where = f"last good checkpoint: {found[0]}" if found else "there is no checkpoint yet"
    return f"run folder: {session.run}, {where}"
