"""A training run from its experiment to its model file: starts, continues, logs, saves, and stops in good order."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from gancore.artifacts.atomic import write_json, write_text
from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import saved_step
from gancore.composition import compose, compose_dataset
from gancore.config import Experiment, Source, as_experiment
from gancore.data import ImageData, open_data
from gancore.discovery import discover
from gancore.errors import DataError, RunError, RunFailed
from gancore.training.allocation import keep_freed_memory
from gancore.training.checkpoint import restore
from gancore.training.compile.choice import compile_as_asked
from gancore.training.compile.compiler import check_compiler, described, is_compile_failure
from gancore.training.device import describe_environment, pick_device, prepare_device
from gancore.training.distribution import Processes, joined, own_device
from gancore.training.divergence import keep_evidence
from gancore.training.evaluation import RunEvaluation
from gancore.training.identity import check_same_data, check_same_experiment
from gancore.training.interruption import stop_request
from gancore.training.logs import Logs, Silence
from gancore.training.memory import fitting_microbatch, is_out_of_memory
from gancore.training.samples import grid_side, real_images, save_grid
from gancore.training.session import (
    Session,
    alone,
    checkpoint,
    evaluate,
    last_good,
    log,
    sample,
    samples_file,
    save,
    stopped,
)
from gancore.training.trainer import Trainer

Around = Callable[[RunFolder, Trainer], AbstractContextManager[None]]


def train(experiment: Source, out: str | Path | None = None, around: Around | None = None) -> RunFolder:
    """Trains an experiment into a run folder (default `runs/<name>`), or continues the run that is there.

    around: a context in which all steps are made, like gancore.training.profile.profiled.

    Raises:
        DataError, RunError, GancoreError: the request was wrong; nothing was written.
        RunFailed: the run diverged or ran out of memory; the message names its last good checkpoint.
        Interrupted: a signal asked for it (SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU); the run is saved and the message
            says how to continue.
    """
    experiment = as_experiment(experiment)
    if experiment.grid is not None:
        raise experiment.error("grid", "this is a grid of experiments; run it with `gancore grid run FILE`")
    run = RunFolder(Path(out) if out else Path("runs") / experiment.name)
    check_same_experiment(run, experiment)
    device = own_device(pick_device(experiment.training))
    prepare_device(device, experiment.training)
    check_compiler(experiment.training, device)
    torch.set_num_threads(experiment.training.threads or torch.get_num_threads())
    keep_freed_memory()
    with joined(device) as processes:
        _train(experiment, run, device, processes, around)
    return run


def _train(
    experiment: Experiment, run: RunFolder, device: torch.device, processes: Processes, around: Around | None
) -> None:
    """What each process of a run does."""
    data = training_data(experiment, processes)
    for batch in experiment.training.batches(data.interface.resolution):
        processes.check(batch, experiment.training.microbatch)
    evaluation = RunEvaluation(experiment, run, data, device)
    trainer = new_trainer(experiment, data, device, processes)
    with run.locked() if processes.first else nullcontext(), stop_request() as stop:
        with processes.first_alone() as first:
            if first:
                check_same_experiment(run, experiment)  # again: another process may have been faster
                check_same_data(run, data)
                _prepare(run, experiment, data, device)
        words = _continue(run, trainer)
        if experiment.training.recompute is not None and not trainer.recomputed:
            words.append(f"training.recompute: {experiment.training.recompute} changes nothing: no such block repeats")
        words += compile_as_asked(experiment, run, trainer, lambda twin: new_trainer(twin, data, device))
        says = Logs if processes.first else Silence
        logs = says(run, trainer.counters.step, trainer.kimg, experiment.training.kimg)
        session = Session(experiment, run, data, device, trainer, logs, stop, evaluation)
        for word in words:
            logs.say(word)
        with around(run, trainer) if around and processes.first else nullcontext():
            _work(session)


def _work(session: Session) -> None:
    """Everything after the setting up, between the two hooks; what the disk refuses is a failure of the run."""
    run, hooks = session.run, discover().hooks
    if not session.processes.first:
        _loop(session, lambda **step: None)
        return
    hooks.gancore_run_start(run=run)
    try:
        _loop(session, hooks.gancore_step_end)
    except OSError as error:
        raise RunFailed(f"{error.filename or 'output'}: {error.strerror or error}; {last_good(session)}") from error
    finally:
        session.logs.close()
        hooks.gancore_run_end(run=run)


def training_data(experiment: Experiment, processes: Processes | None = None) -> ImageData:
    """The images of an experiment, decoded and checked; raises DataError with the line that names them.

    The first process decodes, and the others find what it has put into the cache.
    """
    processes = processes or Processes()
    if not processes.first:
        processes.wait()
    try:
        return open_data(compose_dataset(experiment), experiment.data.core, name=experiment.data.use)
    except DataError as error:
        raise DataError(str(experiment.error("data", str(error)))) from error
    finally:
        if processes.first:
            processes.wait()


def new_trainer(
    experiment: Experiment, data: ImageData, device: torch.device, processes: Processes | None = None
) -> Trainer:
    """A trainer at step 0."""
    gan = compose(experiment, data.interface)
    return Trainer(gan, data, experiment.training, experiment.data.core.mirror, device, processes)


def _prepare(run: RunFolder, experiment: Experiment, data: ImageData, device: torch.device) -> None:
    """Writes what describes the run: the resolved experiment, the environment, the identity of the data."""
    run.clear_leftovers()
    if run.exists():
        write_text(run.config, experiment.copied_into(run.path).to_yaml())
        return
    about = {"plugins": experiment.plugin_origins(), "data": data.identity.to_dict()}
    write_json(run.environment, describe_environment(device) | about)
    side = grid_side(data.interface.resolution)
    save_grid(run.samples / "reals.png", real_images(data, side * side, experiment.training.seed))
    write_text(run.config, experiment.copied_into(run.path).to_yaml())  # last: from now on this is a run


def _continue(run: RunFolder, trainer: Trainer) -> list[str]:
    """Restores the newest sound checkpoint, cuts the logs back to it, and says what was found.

    Damaged newer ones are set aside under another name. Raises RunError when a trained run has lost them all.
    """
    found = run.newest_checkpoint()
    if found is None and run.model.exists():
        raise RunError(f"{run}: there is a model but no checkpoint to continue from; train elsewhere with --out")
    trainer.processes.wait()  # all have found the same
    with trainer.processes.first_alone() as first:
        if first:
            run.cut_logs(trainer.counters.step if found is None else found[2]["counters"]["step"])
            for bad in found[3] if found else ():
                run.set_aside(bad)
    if found is None:
        return []
    path, tensors, about, damaged = found
    restore(trainer, tensors, about)
    what = "finished already:" if trainer.kimg >= trainer.training.kimg else "continuing from"
    return [*damaged.values(), f"{what} {path} ({trainer.kimg:.4g} kimg)"]


def _loop(session: Session, step_end: Callable[..., Any]) -> None:
    if session.trainer.counters.step == 0:
        alone(sample)(session)
    elif session.evaluation.is_overdue(session.trainer.kimg):
        alone(evaluate)(session)
    finished = False
    while not finished:
        while session.trainer.kimg < session.experiment.training.kimg:
            _one_step(session, step_end)
        finished = _finite_or_back(session)
    _finish(session)


def _one_step(session: Session, step_end: Callable[..., Any]) -> None:
    """A step, and what is due after it; nothing of that if the run had to go back."""
    training, trainer, before = session.experiment.training, session.trainer, session.trainer.kimg
    _guarded_step(session)
    step_end(run=session.run, step=trainer.counters.step, kimg=trainer.kimg)
    due = [
        act
        for every, act in (
            (training.log_kimg, log),
            (training.sample_kimg, alone(sample)),
            (training.checkpoint_kimg, alone(checkpoint)),
            (session.evaluation.every_kimg, alone(evaluate)),  # may take long, and loses nothing when it is killed
        )
        if int(trainer.kimg / every) > int(before / every)
    ]
    stopping = session.processes.any(bool(session.stop)) and trainer.kimg < training.kimg
    if (due or stopping) and _finite_or_back(session):
        for act in due:
            act(session)
        if stopping:
            _stop(session)


def _stop(session: Session) -> None:
    alone(checkpoint)(session)
    raise stopped(session)


def _finish(session: Session) -> None:
    """What a finished run must have; a kill, or a wish for more kimg, may have left it without."""
    trainer, run = session.trainer, session.run
    if not session.processes.first:
        return
    if saved_step(run.model) != trainer.counters.step or not run.checkpoint(round(trainer.kimg * 1000)).exists():
        checkpoint(session)
    if not samples_file(session).exists():
        sample(session)
    if session.evaluation.is_due(trainer):
        evaluate(session)


def _guarded_step(session: Session) -> None:
    try:
        session.trainer.step()
        return
    except (RuntimeError, MemoryError) as error:
        if is_compile_failure(error):
            raise RunFailed(f"{described(error)}; training.compile: off goes on; {last_good(session)}") from error
        if not is_out_of_memory(error):
            raise
    # outside of the handler: until here the error keeps the tensors of the failed step alive
    if session.processes.size > 1:  # the others cannot be asked to try: they are in the middle of the step
        raise RunFailed(f"out of memory: try a smaller training.microbatch; {last_good(session)}")
    fits = fitting_microbatch(session.trainer)
    advice = f"-o training.microbatch={fits} fits" if fits else "not even a microbatch of one image fits"
    raise RunFailed(f"out of memory: {advice}; {last_good(session)}")


def _finite_or_back(session: Session) -> bool:
    """True if everything is finite. If not: stops the run, or takes it back to a checkpoint and returns False."""
    bad_step = session.trainer.first_bad_step()
    if bad_step is None:
        return True
    attempt, policy = session.trainer.counters.attempt, session.experiment.training.on_divergence
    evidence = keep_evidence(session.run, session.trainer, bad_step)
    message = f"not finite at step {bad_step}; evidence in {evidence}; {last_good(session)}"
    if policy.action == "stop" or attempt >= policy.rollbacks:
        raise RunFailed(message)
    session.logs.say(f"{message}; going back, attempt {attempt + 1} of {policy.rollbacks}")
    _roll_back(session, attempt + 1)
    return False


def _roll_back(session: Session, attempt: int) -> None:
    """A checkpoint again (or the start), with the random numbers of another attempt.

    A checkpoint that was gone back to before did not help: where there is an older one, that is taken.
    """
    newest, *older = [*session.run.checkpoints(), None]
    session.processes.wait()  # all have found the same
    if newest is not None and newest == session.went_back_to and older[0] is not None:
        with session.processes.first_alone() as first:
            if first:
                session.run.set_aside(newest)
        newest = older[0]
    session.went_back_to = newest
    compiled = session.trainer.compiled is not None
    session.trainer = new_trainer(session.experiment, session.data, session.device, session.processes)
    if compiled:
        session.trainer.compile()
    _continue(session.run, session.trainer)
    session.trainer.counters.attempt = attempt
    session.logs.rewind(session.trainer.counters.step, session.trainer.kimg)
    with session.processes.first_alone() as first:
        if first and newest is not None:
            save(session)  # so that a kill does not forget the attempt
