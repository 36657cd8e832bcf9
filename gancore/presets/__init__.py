"""The experiments of the papers by name: `preset:stylegan2-F`, in a command or after `extends:`."""

from pathlib import Path

from gancore.errors import GancoreError, nearest

PREFIX = "preset:"


def is_preset(reference: str) -> bool:
    """Whether a text names a preset rather than a file."""
    return reference.startswith(PREFIX)


def preset_names() -> list[str]:
    """The names of all presets, sorted."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.yaml"))


def preset_file(reference: str) -> Path:
    """The file of `preset:NAME`. Raises GancoreError with the nearest names."""
    name = reference.removeprefix(PREFIX)
    if name not in preset_names():
        raise GancoreError(
            f"there is no preset {name!r}; {nearest(name, preset_names())}`gancore presets list` has all"
        )
    return Path(__file__).parent / f"{name}.yaml"
