"""Everything that a plugin can do, once: for checks of what that changes, or depends on."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gancore.composition.contract import flaws
from gancore.contracts import Part, value_at
from gancore.errors import GancoreError
from gancore.testing.calls import CALLS, calls_of
from gancore.testing.measurement import OUTPUTS, SmallMeasurement
from gancore.testing.step import SmallDraw, SmallStep
from gancore.testing.subject import Subject


def used(subject: Subject) -> list[Any]:
    """Builds the plugin, uses it in every way that its kind has, and returns all results: two of them compare equal if
    the plugin does the same."""
    made = subject.made()
    results: list[Any] = list(flaws(made))
    if isinstance(made, nn.Module):
        results += [{name: tuple(p.shape) for name, p in made.named_parameters()}]
    if subject.spec.kind in CALLS:
        results += [output.detach().clone() for call in calls_of(subject, made) for output in call.outputs()]
    if (more := MORE.get(subject.spec.kind)) is not None:
        results += more(subject, made)
    for part in made.modules() if isinstance(made, nn.Module) else ():
        if isinstance(part, Part):
            part.after_update()
            part.end_step(lambda values: values)
            results += [value.detach().clone() for _, value in sorted(part.scalars().items())]
            results += [group.lr_factor for group in part.param_groups()]
    if isinstance(made, nn.Module):
        results += [v.detach().clone() for _, v in sorted(made.state_dict().items()) if isinstance(v, Tensor)]
    return results


def same(one: Any, other: Any) -> bool:
    """Whether two results are equal, bit by bit; also in lists and mappings."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and one.dtype == other.dtype and bool(one.equal(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _discriminator(subject: Subject, made: Any) -> Iterator[Any]:
    images = torch.zeros(
        subject.n, subject.interface.channels, subject.interface.resolution, subject.interface.resolution
    )
    yield made((images,), subject.label, None, 1)


def _generator(subject: Subject, made: Any) -> Iterator[Any]:
    draw = SmallDraw(subject.n)
    ws, size = made.mapping(made.sample_z(draw), subject.label), subject.interface.resolution
    yield made.synthesis(ws, draw=draw)
    reals = torch.linspace(-1, 1, size).expand(subject.n, subject.interface.channels, size, size)
    yield made.fakes(ws, lambda: made.reals(reals, None), None, draw)


def _augmentation(subject: Subject, made: Any) -> Iterator[Any]:
    for _ in range(8):
        made.observe(torch.ones(subject.n))
        made.end_step(lambda values: values)
        yield {name: value.clone() for name, value in made.state_dict().items()}
    for call in calls_of(subject, subject.stirred()):
        yield call.outputs()


def _regularizer(subject: Subject, made: Any) -> Iterator[Any]:
    step = SmallStep.of(subject)
    for index in range(8):
        draw = SmallDraw(subject.n).scoped(str(index))
        yield made.mix_ws(torch.zeros(subject.n, 6, 8), lambda: torch.ones(subject.n, 6, 8), draw)
    yield made.interval
    yield made.penalty(step)
    network = step.G if made.side == "generator" else step.D
    made.constrain(network)
    yield list(network.state_dict().values())


def _optimizer(subject: Subject, made: Any) -> Iterator[Any]:
    p = nn.Parameter(torch.linspace(1, 2, 4))
    optimizer = made.build([{"params": [p], "lr_factor": 1.0}])
    for index in range(3):
        p.grad = 2 * p.detach() * (index + 1)
        settings = made.settings(float(index), value_at(made.cfg.lr, float(index)), 0.8)
        for group in optimizer.param_groups:
            group.update(settings)
        optimizer.step()
        yield p.detach().clone()
        yield {key: value for key, value in settings.items() if key != "lr"}


def _dataset(subject: Subject, made: Any) -> Iterator[Any]:
    items = made.items()
    yield len(items)
    for item in items[:8]:
        content = item.read()
        yield item.name, str(item.label), content if isinstance(content, bytes) else torch.from_numpy(content.copy())
    yield list(made.class_names() or ())


def _metric(subject: Subject, made: Any) -> Iterator[Any]:
    if made.needs in OUTPUTS and made.needs != "distance":
        yield made.measure(SmallMeasurement())
    else:
        yield made.protocol


def _feature(subject: Subject, made: Any) -> Iterator[Any]:
    made.check()
    made.prepare(torch.device("cpu"))
    images = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    outputs = sorted(made.provides - {"distance"})
    yield made.extract(images, outputs) if outputs else {}
    if "distance" in made.provides:
        yield made.distance(images.float(), images.flip(0).float())


def _analysis(subject: Subject, made: Any) -> Iterator[Any]:
    from gancore.testing.analyses import analyzed

    if (result := analyzed(made)) is None:
        raise GancoreError("it says nothing about the small model")
    yield dict(result.numbers), dict(result.places), dict(result.tensors), [repr(f) for f in result.figures]
    yield made.protocol


def _format(subject: Subject, made: Any) -> Iterator[Any]:
    from gancore.testing.files import written

    if made.writes:
        with tempfile.TemporaryDirectory() as folder:
            yield [(str(path), content) for path, content in written(made, Path(folder))]


MORE: Mapping[str, Callable[[Subject, Any], Iterator[Any]]] = {
    "generator": _generator,
    "discriminator": _discriminator,
    "regularizer": _regularizer,
    "augmentation": _augmentation,
    "optimizer": _optimizer,
    "dataset": _dataset,
    "metric": _metric,
    "feature": _feature,
    "analysis": _analysis,
    "format": _format,
}
"""By kind: what there is beside the calls."""
