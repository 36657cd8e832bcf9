"""Samples of a subject, batch by batch, and a number with its spread over them."""

from collections.abc import Iterator

from torch import Tensor

from gancore.contracts import Draw, Generator, Subject, Value

BATCH = 16


def batches(subject: Subject) -> Iterator[tuple[Draw, Tensor | None]]:
    """The subject's draws with their labels [n, label_dim], with a progress bar."""
    return iter(subject.shown(subject.draws(), -(-subject.count // BATCH), "batches"))


def ws_of(generator: Generator, draw: Draw, label: Tensor | None) -> Tensor:
    """ws [n, num_ws, w_dim] of a draw's latents, without truncation."""
    return generator.mapping(generator.sample_z(draw), label)


def sampled_ws(subject: Subject, count: int | None = None) -> Tensor:
    """ws [count, num_ws, w_dim] of the subject's latents, without truncation."""
    z, label = subject.latents(count)
    return subject.generator.mapping(z, label)


def averaged(values: Tensor) -> Value:
    """Mean and standard deviation (1/n) of values [N]."""
    return Value(float(values.mean()), float(values.std(correction=0)))
