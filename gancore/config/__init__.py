"""What was asked for: YAML files to checked experiments. Importing it imports no torch; loading plugins does."""

from gancore.config.experiment import DataPart as DataPart
from gancore.config.experiment import Experiment as Experiment
from gancore.config.experiment import NetworkPart as NetworkPart
from gancore.config.experiment import Part as Part
from gancore.config.load import Source as Source
from gancore.config.load import as_experiment as as_experiment
from gancore.config.load import load_experiment as load_experiment
from gancore.config.load import with_changes as with_changes
from gancore.config.training import TrainingConfig as TrainingConfig
