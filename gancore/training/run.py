"""A training run on one page: how it starts, what happens after each step, how it ends.

Checkpoints are written every `training.checkpoint_kimg`, when a signal stops the run, after a rollback, and when the
run is finished; each comes with a model file. After a signal (gancore.training.interruption lists them) the run ends
its step, or breaks off its evaluation, saves and raises Interrupted. A second SIGINT or SIGTERM raises Interrupted
at once, and nothing is saved. After the first loss or gradient that is not finite the trainer no longer changes any
weight; before anything is written, `check_finite` notices, and ends the run or returns to a checkpoint.

Each process of a run executes this file on its own part of every batch. Only the first process runs the methods marked
`@first_process`; the others wait.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from gancore.artifacts.atomic import write_json, write_text
from gancore.artifacts.run import RunFolder, SoundCheckpoint
from gancore.config import Experiment, ExperimentLike, as_experiment
from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Ending, RunInfo
from gancore.data import ImageData
from gancore.errors import DataError, GancoreError, Interrupted, RunFailed
from gancore.evaluation.progress import Stopped, stoppable
from gancore.messages import tell
from gancore.registry import explain
from gancore.training.compile.choice import compile_as_asked
from gancore.training.compile.compiler import check_compiler, described, is_compile_failure
from gancore.training.device import describe_environment, training_device
from gancore.training.disk import disk_warnings
from gancore.training.distribution import Processes, first_process, joined
from gancore.training.divergence import keep_evidence
from gancore.training.evaluation import RunEvaluation
from gancore.training.identity import as_begun, begun_identity, check_same_data, check_same_experiment
from gancore.training.initial import Taken, new_trainer, pinned, start_from, training_data
from gancore.training.interruption import StopRequest, stop_request
from gancore.training.logs import Speed, observers_of
from gancore.training.memory import memory_advice, memory_shortage
from gancore.training.observer import Observer, ObserverFailed, Observers
from gancore.training.samples import generate, grid_side, real_images, save_grid
from gancore.training.saving import Saves
from gancore.training.settings import process_settings
from gancore.training.step.loading import Loader, loading
from gancore.training.trainer import Trainer, scalars_of


def train(experiment: ExperimentLike, out: str | Path | None = None, observer: Observer | None = None) -> RunFolder:
    """Trains an experiment into a run folder (default `runs/<name>`), or continues the run in it.

    observer: sees the run beside the observers that the experiment lists; for example
        `gancore.training.profile.Profile`.

    Threads, TF32 and other settings of the process are as before when this returns or raises. The command
    `gancore train` also keeps freed memory in the process (`gancore.training.allocation`), which cannot be undone.

    Raises:
        DataError, RunError, GancoreError: the request was wrong, or the folder cannot be continued.
        RunFailed: the run diverged, ran out of memory, could not be compiled, could not write a file, or an observer
            that it requires failed; the message names its newest checkpoint.
        Interrupted: a signal arrived (SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU); the run is saved and the message
            says how to continue.
    """
    experiment = as_experiment(experiment)
    if experiment.grid is not None:
        raise experiment.error("grid", "this is a grid of experiments; run it with `gancore grid run FILE`")
    folder = RunFolder(Path(out) if out else Path("runs") / experiment.name)
    experiment = pinned(as_begun(folder, experiment), folder)
    check_same_experiment(folder, experiment)
    device = training_device(experiment.training)
    with process_settings(experiment.training, device):
        check_compiler(experiment.training, device)
        with joined(device) as processes:
            Run(experiment, folder, device, processes, observer).train()
    return folder


class Run:
    """One process's part of a training run."""

    # The request, and the folder for its results.
    experiment: Experiment
    training: TrainingConfig
    folder: RunFolder

    # Where it runs, and with which other processes.
    process: int
    device: torch.device
    processes: Processes

    # The training images, the checkpoints, and the evaluation of results.
    data: ImageData
    saves: Saves
    evaluation: RunEvaluation

    # What prepares the images of coming steps, where that is worth a thread.
    loader: Loader | None = None

    # Networks, optimizers, counters: the state that a checkpoint holds. A rollback makes another.
    trainer: Trainer

    # Which tensors came from the file that it starts from; None without one, or after a checkpoint.
    started: Taken | None = None

    # Where it reports, in the first process: logs, terminal, hooks of installed plugins, chosen observers.
    observers: Observers
    speed: Speed

    # Whether a signal has arrived; why the last evaluation failed, if it did.
    stop: StopRequest
    unmeasured: str = ""

    def __init__(
        self,
        experiment: Experiment,
        folder: RunFolder,
        device: torch.device,
        processes: Processes,
        observer: Observer | None,
    ) -> None:
        """Opens the data and builds the networks; nothing is written. Raises GancoreError if parts do not fit."""
        self.experiment, self.training, self.folder = experiment, experiment.training, folder
        self.process = os.getpid()
        self.device, self.processes = device, processes
        self.data = training_data(experiment, processes)
        for batch in self.training.batches(self.data.interface.resolution):
            processes.check(batch, self.training.microbatch)
        identity = begun_identity(folder, experiment, self.data.identity.to_dict())
        self.saves = Saves(experiment, folder, identity, processes)
        self.evaluation = RunEvaluation(experiment, folder, self.data, device, identity)
        self.observers = observers_of(experiment, folder, observer) if processes.first else Observers()
        self.trainer = self.new_trainer()

    def train(self) -> None:
        """Trains up to `training.kimg`, from the newest checkpoint if there is one."""
        with self.folder.locked() if self.processes.first else nullcontext(), stop_request() as self.stop:
            notes = [*self.data.notes, *self.start(), *self.trainer.idle_options()]
            notes += disk_warnings(self.folder.path, self.trainer.gan, self.data.interface, self.training)
            notes += compile_as_asked(self.experiment, self.folder, self.trainer, self.twin)
            for note in notes:
                self.say(note)
            with self.watched(), loading(self.data, self.device) as self.loader:
                self.trainer.loader = self.loader
                self.begin()
                while self.trainer.kimg < self.training.kimg:
                    kimg_before = self.trainer.kimg
                    self.step()
                    self.after_step(kimg_before)
                self.finish()

    def start(self) -> list[str]:
        """Begins the run, or continues it; writes nothing before all that is there is checked. Returns notes."""
        self.check()
        found = self.saves.newest(self.trainer)
        self.set_up()
        return self.resume(found)

    def resume(self, found: SoundCheckpoint | None) -> list[str]:
        """Goes on from a checkpoint, or from the first weights. Returns notes for the log."""
        notes = self.saves.resume(self.trainer, found)
        return notes if found or not self.started else list(self.started.lines())

    @first_process
    def check(self) -> None:
        """Checks the folder again, now that it is locked."""
        check_same_experiment(self.folder, self.experiment)
        check_same_data(self.folder, self.data)

    @first_process
    def set_up(self) -> None:
        """Writes what describes the run."""
        self.folder.clear_leftovers()
        if not self.folder.exists():
            about = {"plugins": self.experiment.plugin_origins(), "data": self.data.identity.to_dict()}
            write_json(self.folder.environment, describe_environment(self.device) | about | self.data.about())
            count = grid_side(self.data.interface.resolution) ** 2
            save_grid(self.folder.samples / "reals.png", real_images(self.data, count, self.training.seed))
        if self.started is not None:
            write_json(self.folder.init_from, self.started.to_dict())
        write_text(self.folder.config, self.experiment.copied_into(self.folder.path).to_yaml())  # last: now it is a run

    def begin(self) -> None:
        """A new run: samples before the first step. A continued one: the evaluation that was due when it stopped."""
        if self.trainer.counters.step == 0:
            self.sample()
        elif self.processes.first_says(lambda: self.evaluation.is_overdue(self.trainer.kimg)):
            self.evaluate()

    def step(self) -> None:
        """One training step. Raises RunFailed, with advice, if memory runs out or the compiler fails."""
        try:
            self.trainer.step()
            return
        except DataError as error:  # an image that was sound when the run began
            raise self.failed(str(error)) from error
        except (RuntimeError, MemoryError) as error:
            if is_compile_failure(error):
                raise self.failed(f"{described(error)}; set training.compile to off to go on") from error
            if (shortage := memory_shortage(error)) is None:
                raise
        # outside of the handler, in which the error still keeps the tensors of the failed step alive
        raise self.failed(f"{shortage}: {memory_advice(self.trainer)}")

    def after_step(self, kimg_before: float) -> None:
        """Does what is due after a step: a log line, samples, a checkpoint, an evaluation, each at its own interval.

        First checks that all numbers are finite. After a signal, writes a checkpoint and raises Interrupted.
        """
        trainer, training = self.trainer, self.training
        self.observers.on_step(*self.now)
        if os.getpid() != self.process:
            tell("a plugin or an observer forked this process, and the copy went on with the training: it ends here")
            os._exit(1)  # at once: what is open belongs to the other one
        schedule = (
            (training.log_kimg, self.log),
            (training.sample_kimg, self.sample),
            (training.checkpoint_kimg, self.checkpoint),
            (self.evaluation.every_kimg, self.evaluate),  # last: it may take long, and a kill meanwhile loses nothing
        )
        due = [act for every, act in schedule if int(trainer.kimg / every) > int(kimg_before / every)]
        done = trainer.kimg >= training.kimg
        stopping = self.processes.any(bool(self.stop)) and not done
        if not (due or stopping or done) or not self.check_finite():
            return
        for act in due:
            act()
        if stopping:
            self.save_unless_saved()
            raise self.interrupted()

    def finish(self) -> None:
        """Completes the files of a finished run, which a kill may have prevented.

        Raises RunFailed if the last evaluation failed; everything else is there.
        """
        self.save_unless_saved()
        if self.processes.first_says(lambda: not self.folder.fakes(self.trainer.kimg).exists()):
            self.sample()
        if self.processes.first_says(lambda: self.evaluation.is_due(self.trainer) and not self.unmeasured):
            self.evaluate()
        if self.processes.first_says(lambda: bool(self.unmeasured)):
            raise self.failed(self.unmeasured or "the evaluation failed in the first process")

    def log(self) -> None:
        """A line of values, over all processes."""
        trainer = self.trainer
        values = trainer.stats.read(self.processes.mean) | scalars_of(trainer)
        if (stage := trainer.stage) is not None:
            values = {"growth/resolution": float(stage.resolution), "growth/alpha": stage.alpha} | values
        if self.loader is not None:
            values |= {"data/wait_s": round(self.loader.read(), 4)}
        self.observers.on_log(*self.now, {"images_per_s": self.speed.at(trainer.kimg)} | values)

    @first_process
    def sample(self) -> None:
        """A grid of samples of the averaged generator."""
        count = grid_side(self.data.interface.resolution) ** 2
        images = generate(self.trainer.averaged(), count, self.training.seed)
        file = self.folder.fakes(self.trainer.kimg)
        save_grid(file, images, self.trainer.ema.class_names)
        if self.training.keep_samples is not None:
            self.folder.retain_samples(self.training.sample_kimg, self.training.keep_samples, file)
        self.observers.on_samples(*self.now, file)

    @first_process
    def checkpoint(self) -> None:
        """Saves, and deletes all but the newest `training.keep_checkpoints` checkpoints."""
        self.observers.on_checkpoint(*self.now, self.saves.keep(self.trainer))

    @first_process
    def save_unless_saved(self) -> None:
        """Writes a checkpoint unless the folder already has one of this step, with its model."""
        if not self.saves.has(self.trainer):
            self.checkpoint()

    def evaluate(self) -> None:
        """Scores of the averaged generator, after a checkpoint, so that nothing that fails here loses what was trained.

        A signal ends it, and it is made up for when the run continues. Any other error is logged, and training
        goes on.
        """
        self.save_unless_saved()
        if self.processes.first_says(self.measure_or_stop):
            raise self.interrupted()

    def measure_or_stop(self) -> bool:
        """Evaluates and logs the scores, or why there are none; returns whether a signal has stopped it halfway."""
        self.unmeasured = ""
        try:
            with stoppable(lambda: bool(self.stop)):
                scores = self.evaluation.measure(self.trainer)
        except Stopped:
            return True
        except OSError:
            raise
        except Exception as error:  # a metric's or a feature's own code, too little memory, an image that is not finite
            why = str(error) if isinstance(error, GancoreError) else explain(error)
            self.unmeasured = f"the evaluation at {self.trainer.kimg:.4g} kimg failed: {why}"
            self.say(self.unmeasured)
            return False
        self.speed.restart(self.trainer.kimg)  # an evaluation's time is not the training's
        self.observers.on_evaluation(*self.now, [score.to_dict() for score in scores])
        for score in scores:
            self.say(f"{self.trainer.kimg:.4g} kimg: {score}")
        return False

    def check_finite(self) -> bool:
        """Whether all numbers are finite. If not, keeps the evidence, and fails or rolls back.

        Returns True, or False after a rollback. Raises RunFailed if `training.on_divergence` allows no more rollbacks.
        """
        bad_step = self.trainer.first_bad_step()
        if bad_step is None:
            return True
        attempt, policy = self.trainer.counters.attempt, self.training.on_divergence
        evidence = keep_evidence(self.folder, self.trainer, bad_step)
        failure = self.failed(f"not finite at step {bad_step}; evidence in {evidence}")
        if policy.action == "stop" or attempt >= policy.rollbacks:
            raise failure
        self.say(f"{failure}; going back, attempt {attempt + 1} of {policy.rollbacks}")
        self.roll_back(attempt + 1)
        return False

    def roll_back(self, attempt: int) -> None:
        """Returns to a checkpoint, or to the start, and goes on with random numbers of another attempt."""
        checkpoint = self.saves.checkpoint_to_return_to(self.trainer)
        compiled = self.trainer.compiled is not None
        self.trainer = self.new_trainer()
        self.trainer.loader = self.loader
        if compiled:
            self.trainer.compile()
        for note in self.resume(self.saves.newest(self.trainer)):
            self.say(note)
        self.trainer.counters.attempt = attempt
        self.speed.restart(self.trainer.kimg)
        self.observers.on_rewind(*self.now)
        if checkpoint is not None:
            self.saves.write(self.trainer)  # so that a kill does not forget the attempt

    def new_trainer(self) -> Trainer:
        """A trainer at step 0, with first weights from `init_from`; the observer sees that of the first process."""
        trainer = new_trainer(self.experiment, self.data, self.device, self.processes)
        trainer.observer = self.observers
        if self.experiment.init_from is not None and not self.folder.checkpoints():
            self.started = start_from(trainer, self.experiment)
        return trainer

    def twin(self, experiment: Experiment) -> Trainer:
        """A trainer of this process alone, for measurements."""
        return new_trainer(experiment, self.data, self.device)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Reports a session from its start to its end.

        A file that cannot be written fails the run. So does an observer that it requires, once the run is saved.
        """
        info = RunInfo(self.folder.path, self.experiment.name, self.experiment.to_dict(), *self.now, self.training.kimg)
        ending: Ending = "failed"
        reason, self.speed = "", Speed(self.trainer.kimg)
        try:
            self.observers.on_run_start(info)
            with self.observers.run(self.folder):
                yield
            ending = "finished"
        except Interrupted as error:
            ending, reason = "interrupted", str(error)
            raise
        except ObserverFailed as error:
            reason, self.processes.others_wait = (
                str(error),
                True,
            )  # the others do not know of it, and cannot be asked to join
            if self.trainer.first_bad_step() is None:
                self.save_unless_saved()
            raise self.failed(reason) from error
        except OSError as error:
            reason = f"{error.filename or 'output'}: {error.strerror or error}"
            raise self.failed(reason) from error
        except BaseException as error:
            reason = str(error)
            raise
        finally:
            self.observers.on_run_end(ending, reason)

    @property
    def now(self) -> tuple[int, float]:
        """Step and kimg."""
        return self.trainer.counters.step, self.trainer.kimg

    def say(self, message: str) -> None:
        """Prints a line to the terminal, once for all processes."""
        if self.processes.first:
            tell(message)

    def failed(self, why: str) -> RunFailed:
        """The error of a run that cannot go on, with its folder and its newest checkpoint."""
        found = self.folder.checkpoints()
        where = f"newest checkpoint: {found[0]}" if found else "there is no checkpoint yet"
        return RunFailed(f"{why}; run folder: {self.folder}, {where}")

    def interrupted(self) -> Interrupted:
        """The error of a run that was stopped and is saved."""
        return Interrupted(
            f"stopped at {self.trainer.kimg:.4g} kimg and saved; "
            f"run the same command again to continue in {self.folder}"
        )
