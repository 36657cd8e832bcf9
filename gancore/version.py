"""The version of this distribution: semantic versioning, see CHANGELOG.md."""

__version__ = "0.1.0"
