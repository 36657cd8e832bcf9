"""Config + registry -> networks, loss, regularizers. gancore.config has already checked that they fit together."""

from gancore.composition.data import experiment_data as experiment_data
from gancore.composition.data import experiment_interface as experiment_interface
from gancore.composition.model import GAN as GAN
from gancore.composition.model import compose as compose
from gancore.composition.model import compose_dataset as compose_dataset
from gancore.composition.model import compose_discriminator as compose_discriminator
from gancore.composition.model import compose_generator as compose_generator
