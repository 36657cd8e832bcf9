"""Packaging of the top-level folder plugins/ as the import package `gancore_plugins`.

pyproject.toml holds everything declarative. What stands here cannot be said there: sub-packages of a
renamed folder, and registry.yaml, which lives beside plugins/ and goes into the wheel inside it.
"""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class BuildWithRegistry(build_py):
    """Copies registry.yaml into the built `gancore_plugins`; an editable install reads it in place."""

    def _registry(self) -> str:
        return str(Path(self.build_lib) / "gancore_plugins" / "registry.yaml")

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_file("registry.yaml", self._registry())

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), self._registry()]

    def get_output_mapping(self) -> dict[str, str]:
        return {**super().get_output_mapping(), self._registry(): "registry.yaml"}

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), "registry.yaml"]


core = find_packages(include=["gancore", "gancore.*"])
plugins = ["gancore_plugins", *(f"gancore_plugins.{name}" for name in find_packages("plugins"))]
setup(packages=core + plugins, cmdclass={"build_py": BuildWithRegistry})
