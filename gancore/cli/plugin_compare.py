"""`gancore plugins compare`: plugins beside built-in ones, as a small grid with its report."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gancore.cli import print_result
from gancore.config import load_experiment
from gancore.discovery import discover
from gancore.errors import PluginError
from gancore.grid.comparison import BASE, COMPARISONS, merged
from gancore.grid.folder import GridFolder
from gancore.grid.report.write import PAGE, write_report
from gancore.grid.run import grid
from gancore.local_plugins import load_local
from gancore.registry import PluginSpec


def compare_plugins(
    kind: str,
    plugins: Sequence[str],
    file: Path | None,
    kimg: float | None,
    seeds: int,
    workers: int | None,
    out: Path | None,
) -> None:
    """Trains the cells, or those that are left, and writes the report, also where some of them failed."""
    specs = {spec.name: (spec, target) for spec, target in (_spec(kind, plugin) for plugin in plugins)}
    experiment = load_experiment(_experiment(kind, specs, file, kimg, seeds))
    folder = out or Path("runs") / experiment.name
    try:
        grid(experiment, folder, workers)
    finally:
        if (folder / "grid.yaml").is_file():
            print_result(write_report(GridFolder(folder), folder / "report") / PAGE)


def _spec(kind: str, plugin: str) -> tuple[PluginSpec, str]:
    """The plugin, and FILE:CLASS if it is in a file; its name is then that of the class, RmsHalf -> rms_half."""
    if ":" not in plugin:
        return discover().get(kind, plugin), ""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plugin.rpartition(":")[2]).lower()
    return load_local({kind: {name: plugin}}, Path(), requested=True)[0], plugin


def _experiment(
    kind: str, specs: dict[str, tuple[PluginSpec, str]], file: Path | None, kimg: float | None, seeds: int
) -> dict[str, Any]:
    """The contents of the grid's file."""
    classes = {name: spec.load() for name, (spec, _) in specs.items()}
    ways = {_way(kind, plugin) for plugin in classes.values()}
    if len(ways) > 1:
        raise PluginError(f"{', '.join(specs)}: normalizations of weights and of activations cannot be compared")
    [way] = ways
    if way not in COMPARISONS:
        raise PluginError(f"a {kind} takes no part in a training, so that there is nothing to compare")
    beside = COMPARISONS[way].grid({name: plugin.provides for name, plugin in classes.items()})
    local = {name: target for name, (_, target) in specs.items() if target}
    grid: dict[str, Any] = {"extends": str(file.resolve()), **beside} if file else merged(BASE, beside)
    grid |= {"name": "-".join(["compare", kind, *specs])}
    grid["grid"] = {**grid.get("grid", {}), "seeds": list(range(seeds))}
    if local:
        grid["plugins"] = {kind: local}
    if kimg is not None:
        grid["training"] = {**grid.get("training", {}), "kimg": kimg}
    return grid


def _way(kind: str, plugin: type[Any]) -> str:
    from gancore.contracts import WeightNormalization

    return "weight_normalization" if issubclass(plugin, WeightNormalization) else kind
