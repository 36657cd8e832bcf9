"""Our phases: those of the trainer that `gancore train` runs, on images of noise."""

from functools import partial

import torch

from benchmarks.configuration import Subject
from benchmarks.iteration import END, FORWARD, Phases
from gancore.composition import compose
from gancore.cost.flops import blank_data, phase_flops
from gancore.training.allocation import keep_freed_memory
from gancore.training.device import training_device
from gancore.training.step.draws import SeededDraw
from gancore.training.trainer import Trainer


def our_trainer(subject: Subject) -> Trainer:
    """A trainer at step 0."""
    keep_freed_memory()
    experiment = subject.experiment()
    interface = subject.interface(experiment)
    training = experiment.training.grown(interface.resolution)
    data = blank_data(interface, mirror=experiment.data.core.mirror)
    gan = compose(experiment, interface)
    return Trainer(gan, data, training, training_device(training))


def our_phases(trainer: Trainer) -> Phases:
    """By the names of the trainer; G forward and EMA besides."""
    named = {phase.name: partial(trainer.run_phase, phase) for phase in trainer.phases}
    return {FORWARD: partial(_forward, trainer), **named, END: trainer.end_step}


def our_intervals(trainer: Trainer) -> dict[str, int]:
    return {**{phase.name: phase.interval for phase in trainer.phases}, END: 1}


def our_flops(subject: Subject) -> dict[str, float]:
    """Floating point operations of each phase: convolutions and matrix products."""
    experiment = subject.experiment()
    return phase_flops(experiment, subject.interface(experiment))


@torch.no_grad()
def _forward(trainer: Trainer) -> None:
    G = trainer.gan.generator
    draw = SeededDraw.whole((0, "forward"), trainer.training.batch, trainer.device)
    with trainer._autocast():
        label = trainer.data.labels_of(torch.arange(draw.n), trainer.device)
        G.sample(draw, label)
