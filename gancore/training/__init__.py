"""The loop: phases, moving averages, precision, checkpoints, progress, logs."""

from gancore.training.run import train as train
