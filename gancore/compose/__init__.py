"""Config + registry -> networks, loss, regularizers. What does not fit was refused before, by gancore.config."""

from gancore.compose.model import GAN as GAN
from gancore.compose.model import compose as compose
from gancore.compose.model import compose_generator as compose_generator
