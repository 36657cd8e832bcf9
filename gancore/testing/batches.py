"""The result of a sample does not depend on unrelated samples."""

from collections.abc import Iterator

import torch

from gancore.contracts import WeightNormalization
from gancore.testing.family import check
from gancore.testing.finding import Finding, equal
from gancore.testing.outputs import shaped
from gancore.testing.subject import INTERFACE, LABEL, C, N, R, Subject

APART = "reals and fakes share one batch, in two parts, and must not see each other's statistics"


@check("normalization")
def a_batch_of_one_is_normalized(subject: Subject) -> Iterator[Finding]:
    if not issubclass(subject.plugin, WeightNormalization):
        yield from shaped(
            "statistic of a batch of one", subject.made().statistic(torch.randn(1, C, R, R)), (1, C, R, R)
        )


@check("normalization")
def parts_are_normalized_apart(subject: Subject) -> Iterator[Finding]:
    if issubclass(subject.plugin, WeightNormalization):
        return
    layer, y = subject.made(), torch.randn(N, C, R, R)
    halves = torch.cat([layer.statistic(half) for half in y.chunk(2)])
    if layer.training:
        about, what = "statistic with parts=2", "that of each half of the batch"
        yield equal(about, layer.statistic(y, parts=2), halves, what, APART, tolerance=1e-5)


@check("discriminator")
def parts_are_judged_in_one_pass(subject: Subject) -> Iterator[Finding]:
    network, images = subject.made(), (torch.randn(N, INTERFACE.channels, R, R),)
    for whole, parts in zip(network(images, LABEL), network(images, LABEL, parts=2), strict=True):
        yield from shaped("head with parts=2", parts, tuple(whole.shape))
