"""Whether a grid folder is whole: the state of each cell, and each cell's run."""

from collections.abc import Iterator
from dataclasses import replace

from gancore.errors import RunError
from gancore.grid.folder import GridFolder
from gancore.training.verify import Finding, verify_run


def verify_grid(folder: GridFolder, trust_local_plugins: bool = False) -> Iterator[Finding]:
    """What was found of each cell, its files named from the grid folder on. Raises RunError if there is no grid."""
    for combination in folder.combinations():
        name = combination.name
        state_file, run = f"cells/{name}.json", folder.run(name)
        state = folder.state(name)
        if state.state == "damaged":
            yield Finding(state_file, "damaged", (state.reason or "").partition(": ")[2])
        elif state.state == "done" and not run.model.exists():
            yield Finding(state_file, "damaged", "done, but the run has no model")
        else:
            yield Finding(state_file, "ok", state.state)
        if not run.exists():
            continue
        try:
            for finding in verify_run(run, trust_local_plugins):
                yield replace(finding, file=f"cells/{name}/{finding.file}")
        except RunError as error:  # it is being trained
            yield Finding(f"cells/{name}", "note", str(error).partition(": ")[2])
