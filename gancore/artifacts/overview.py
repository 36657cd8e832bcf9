"""What a run folder says of itself, in a line and in a notebook. Imports no torch."""

from gancore import display
from gancore.artifacts import log, scores
from gancore.artifacts.lock import is_locked
from gancore.artifacts.run import RunFolder
from gancore.config.yaml.document import find
from gancore.errors import GancoreError


def state_of(run: RunFolder) -> str:
    """`done, 10 kimg`, or how far it is and how to go on."""
    if not run.exists():
        return "no run here yet"
    try:
        target = find(run.read_config(), ("training", "kimg"))
    except GancoreError:
        target = None
    if not isinstance(target, int | float):
        return f"{run.config.name} is damaged"
    if is_locked(run.path / ".lock"):
        return f"training, {log.kimg_reached(run, log.read(run).records):.4g} of {target:g} kimg"
    saved = run.saved_kimg()
    if saved >= target:
        return f"done, {saved:.4g} kimg"
    return f"stopped at {saved:.4g} of {target:g} kimg; train the same experiment again to continue"


def as_html(run: RunFolder) -> str:
    """A table of its state, its last losses and scores, and the newest grid of samples."""
    facts: dict[str, object] = {"state": state_of(run)}
    ticks = log.read(run).records
    if ticks:
        losses = {key: value for key, value in (ticks[-1].model_extra or {}).items() if key.startswith("loss/")}
        facts |= {name: f"{value:.4g}" for name, value in losses.items() if isinstance(value, float)}
        facts["images/s"] = f"{log.speed(ticks) or 0:.1f}"
    facts |= {name: f"{score.value:.5g}" for name, score in scores.read(run.metrics).final.items()}
    if samples := sorted(run.samples.glob("fakes-*.png")):
        facts["samples"] = display.picture(samples[-1])
    return display.facts(f"Run {run}", facts)
