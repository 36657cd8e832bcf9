"""From a run folder, a model file or a generator to the subject of an analysis."""

from collections.abc import Callable, Iterator
from pathlib import Path

from gancore.analysis.subject import Sources
from gancore.artifacts.model import discriminator_beside, load_with_experiment
from gancore.artifacts.run import CHECKPOINT, MODEL, RunFolder
from gancore.artifacts.tensors import description_of, load_tensors, misfits
from gancore.composition import compose_dataset, compose_generator
from gancore.config import Experiment
from gancore.contracts import Generator, Stage
from gancore.data import ImageData, open_data
from gancore.errors import DataError, RunError
from gancore.evaluation.targets import Target, find_reals, label_rows


def sources_of(target: Path | Generator, real: Path | None = None, trust: bool = False) -> Sources:
    """The model of a run folder or a model file, or a generator itself, with the files beside it.

    real: real images, as for `gancore.evaluate`; None: the run's own, where they can be opened.
    Raises GancoreError if there is no model, or if the images cannot be opened.
    """
    if isinstance(target, Generator):
        data = find_reals(real, Target(target), trust=trust) if real else None
        return Sources(target, data=None if data is None else lambda: data, labels=label_rows(target, data))
    generator, experiment = load_with_experiment(target, trust)
    found = find_reals(real, Target(generator, experiment), trust=trust) if real else _own_images(experiment)
    file = target / MODEL if target.is_dir() else target
    run = RunFolder(target if target.is_dir() else target.parent)
    description = description_of(file)
    beside = target.is_dir()
    return Sources(
        generator,
        discriminator=discriminator_beside(target, generator, experiment, trust),
        history=list(_history(run, generator, experiment)) if beside else (),
        data=None if found is None else lambda: found,
        labels=label_rows(generator, found),
        about={
            "model": file.name,
            "run": run.path.name,
            "kimg": description.get("kimg"),
            "step": description.get("step"),
        },
    )


def _own_images(experiment: Experiment) -> ImageData | None:
    """The run's data; None where they are not on this machine, which an analysis that needs them says."""
    try:
        return open_data(compose_dataset(experiment), experiment.data.core, name=experiment.data.use)
    except DataError:
        return None


def _history(
    run: RunFolder, generator: Generator, experiment: Experiment
) -> Iterator[tuple[float, Callable[[], Generator]]]:
    """The averaged generators of checkpoints, which are read on first use."""
    for path in reversed(run.checkpoints()):
        name = CHECKPOINT.fullmatch(path.name)
        assert name is not None
        yield float(name[1]), lambda path=path: _averaged(path, generator, experiment)  # type: ignore[misc]


def _averaged(path: Path, like: Generator, experiment: Experiment) -> Generator:
    tensors, about = load_tensors(path)
    generator = compose_generator(experiment, like.interface)
    own = {key.removeprefix("ema/"): value for key, value in tensors.items() if key.startswith("ema/")}
    if wrong := list(misfits(generator.state_dict(), own)):
        raise RunError(f"{path}: a checkpoint of another generator: {'; '.join(wrong)}")
    generator.load_state_dict(own)
    generator.stage = Stage(**about["stage"]) if about.get("stage") else None
    return generator
