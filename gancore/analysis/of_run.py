"""The analyses of an experiment's `analyses:` section, when its run is trained."""

from pathlib import Path

from gancore.analysis.run import Ready
from gancore.analysis.targets import sources_of
from gancore.artifacts.analyses import FOLDER
from gancore.artifacts.atomic import write_json
from gancore.config import Experiment
from gancore.device import pick_device
from gancore.errors import GancoreError
from gancore.messages import tell


def analyze_run(experiment: Experiment, run: Path) -> None:
    """Writes figures and numbers into the run's analyses/; of an analysis that is refused, why.

    An analysis that does not apply to a cell does not make its training a failure.
    """
    folder, device = run / FOLDER, pick_device(experiment.training.device)
    folder.mkdir(exist_ok=True)
    sources = sources_of(run, trust=experiment.trusted)
    for part in experiment.analyses:
        try:
            one = Ready(part, sources, device)
            if reasons := list(one.refusals()):
                raise GancoreError("; ".join(reasons))
            one.record().write(folder)
        except GancoreError as error:
            tell(f"{part.use}: {error}")
            write_json(folder / f"{part.use}.json", {"analysis": part.use, "refused": str(error)})
