"""gancore: a plugin-based, modular GAN architecture zoo for PyTorch."""

from gancore.version import __version__ as __version__
