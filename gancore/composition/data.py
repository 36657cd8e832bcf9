"""The images of an experiment. Training, grids and evaluation all open them here."""

from collections.abc import Iterator
from contextlib import contextmanager

from gancore.composition.model import compose_dataset
from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.data import ImageData, interface_of, open_data
from gancore.errors import DataError


def experiment_data(experiment: Experiment) -> ImageData:
    """The images of an experiment, decoded and checked.

    Raises DataError with the line of the `data:` section, and PluginError.
    """
    with _located(experiment):
        return open_data(compose_dataset(experiment), experiment.data.core, name=experiment.data.use)


def experiment_interface(experiment: Experiment) -> Interface:
    """Resolution, channels and label_dim of an experiment's images; decodes only the first.

    Raises DataError with the line of the `data:` section, and PluginError.
    """
    with _located(experiment):
        return interface_of(compose_dataset(experiment), experiment.data.core)


@contextmanager
def _located(experiment: Experiment) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(str(experiment.error("data", str(error)))) from error
