"""Config + registry -> networks, loss, regularizers. What does not fit was refused before, by gancore.config.

The room has the name of what it does: `gancore.compose(experiment, interface)` works whether or not the room itself,
`gancore.compose`, has been imported before.
"""

import sys
from types import ModuleType

from gancore.compose.model import GAN as GAN
from gancore.compose.model import compose as compose
from gancore.compose.model import compose_generator as compose_generator


class _Room(ModuleType):
    """A module that can be called: an imported submodule hides the package's function of the same name."""

    __call__ = staticmethod(compose)


sys.modules[__name__].__class__ = _Room
