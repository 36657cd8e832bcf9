"""The run folder: atomic writing, checkpoints, model files, `load`."""

from gancore.artifacts.model import load as load
from gancore.artifacts.model import save_model as save_model
from gancore.artifacts.run import RunFolder as RunFolder
