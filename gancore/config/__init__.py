"""YAML files to checked experiments. Importing it imports no torch; loading plugins does."""

from gancore.config.experiment import Chosen as Chosen
from gancore.config.experiment import ChosenData as ChosenData
from gancore.config.experiment import ChosenNetwork as ChosenNetwork
from gancore.config.experiment import Experiment as Experiment
from gancore.config.load import ExperimentLike as ExperimentLike
from gancore.config.load import as_experiment as as_experiment
from gancore.config.load import load_experiment as load_experiment
from gancore.config.load import with_changes as with_changes
from gancore.config.sections.training import TrainingConfig as TrainingConfig
