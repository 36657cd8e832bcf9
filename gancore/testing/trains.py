"""Six steps of a small training: everything moves, and a run that was killed ends as one that never stopped."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gancore.testing.finding import Finding, holds
from gancore.testing.gradients import trained
from gancore.testing.small_run import Unfit, difference, module_of, restarted, small_trainer, walked
from gancore.testing.subject import Subject
from gancore.training.checkpoint import state_of, unsaved
from gancore.training.trainer import Trainer

STEPS = 6


def it_trains(subject: Subject) -> Iterator[Finding]:
    """Numbers stay finite, all parameters move, networks learn; a killed run ends with the same bits."""
    try:
        start, trainer = small_trainer(subject), small_trainer(subject)
    except Unfit as reason:
        yield Finding("training", f"not trained, since no built-in parts fit: {reason}", skipped=True)
        return
    walked(trainer, STEPS)
    bad = trainer.first_bad_step()
    got = f"one that is not in step {bad}"
    yield holds(bad is None, f"{STEPS} steps", "finite losses, gradients and weights", got, "a run ends there")
    yield from _moved(subject, start, trainer)
    kept = unsaved(trainer)
    expected = "state in parameters and buffers"
    yield holds(not kept, "state", expected, f"tensors in {', '.join(kept)}", "no checkpoint holds them")
    broken = walked(restarted(walked(small_trainer(subject), STEPS // 2), subject), STEPS - STEPS // 2)
    apart = difference(state_of(trainer)[0], state_of(broken)[0])
    got = f"{len(apart)} others, {apart[0]} the first" if apart else ""
    expected = f"the tensors of {STEPS} steps after {STEPS // 2}, a kill and the rest"
    yield holds(not apart, "resume", expected, got, "what training depends on belongs in a buffer, or is a draw")


def microbatches_have_the_gradient_of_the_batch(subject: Subject) -> Iterator[Finding]:
    """Gradients of every phase, in halves of the batch and at once."""
    try:
        trainer = small_trainer(subject)
    except Unfit:
        return
    for phase in trainer.phases:
        whole, halves = _gradient(trainer, phase, 4), _gradient(trainer, phase, 2)
        if float(whole.norm()) == 0:
            continue
        apart = float((whole - halves).norm() / whole.norm())
        got = f"one that is {100 * apart:.3g}% of it away"
        expected = "in two microbatches about the gradient of the batch"
        why = "a mean over samples has it; what fits in memory would decide what is learned"
        yield holds(apart < 0.25, f"phase {phase.name}", expected, got, why)


def _gradient(trainer: Trainer, phase: object, size: int) -> Tensor:
    trainer.gradients(phase, microbatch=size)  # type: ignore[arg-type]
    params = trainer.optimizers[phase.network].params  # type: ignore[attr-defined]
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in params])


def _moved(subject: Subject, start: Trainer, trainer: Trainer) -> Iterator[Finding]:
    """Every trained parameter of the plugin; for other plugins, of both networks.

    What grows has layers that are used at its early stages only.
    """
    if "growth" in subject.plugin.provides:
        return
    before, after = (module_of(subject, each) for each in (start, trainer))
    if not before:
        before, after = (dict(each.gan.modules()) for each in (start, trainer))
    still = [
        f"{name}.{key}"
        for name, module in before.items()
        for key, p in trained(module).items()
        if torch.equal(p, after[name].get_parameter(key))
    ]
    expected = f"every parameter moves in {STEPS} steps"
    yield holds(not still, "training", expected, f"{', '.join(still[:5])} stay", "they have no part in the loss")
