"""Plants faults into the code, one at a time, and prints which test catches each.

    python -m scripts.plant_faults [NUMBER...]

For changes of the tests themselves: what was caught before must be caught after. Edits the files of the checkout, which
must have no uncommitted changes, and restores each of them. Exits with 1 if a fault is not caught.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Fault(NamedTuple):
    """An edit that makes the code wrong, and the default tests that should notice."""

    file: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    Fault("gancore/nn/layers.py", "self.bias, bias_gain=self.lr_multiplier)", "self.bias)", "nn networks"),
    Fault(
        "plugins/normalization/pin.py",
        "Term(Instance(self.cfg.eps), 1 - rho), Term(Pixel(self.cfg.eps), rho)",
        "Term(Instance(self.cfg.eps), rho), Term(Pixel(self.cfg.eps), 1 - rho)",
        "nn normalization",
    ),
    Fault(
        "plugins/generators/stack.py",
        "normalize_2nd_moment(with_label(z, label, self.label_dim))",
        "with_label(normalize_2nd_moment(z), label, self.label_dim)",
        "networks",
    ),
    Fault("gancore/nn/discriminator.py", "self.mbstd(x, parts)", "self.mbstd(x)", "networks"),
    Fault(
        "plugins/losses/relativistic.py",
        "mean(better.mean()) - over)",
        "mean(better.mean()).detach() - over)",
        "losses",
    ),
    Fault(
        "plugins/regularizers/path_length.py",
        "self.seen[0] += torch.where(finite, lengths.detach(), 0).sum()",
        "self.seen[0] = torch.where(finite, lengths.detach(), 0).sum()",
        "regularizers",
    ),
    Fault(
        "plugins/augmentations/ada/pipeline.py",
        "self.signs.copy_(torch.where(due, 0, self.signs))",
        "self.signs.copy_(self.signs)",
        "augmentations",
    ),
    Fault(
        "gancore/training/step/phase_step.py",
        "torch.cat([self.real_label, fakes.label])",
        "torch.cat([fakes.label, self.real_label])",
        "training/test_phases.py",
    ),
    Fault(
        "plugins/optimizers/adam.py",
        "(beta1**c if beta1 else 0.0, beta2**c)",
        "(beta1**c if beta1 else 0.0, beta2)",
        "training/test_golden_p10_lazy_adam.py",
    ),
    Fault(
        "gancore/training/step/ema.py",
        "mean.copy_(buffer)",
        "mean.lerp_(buffer, 1 - decay) if mean.is_floating_point() else mean.copy_(buffer)",
        "training/test_ema.py",
    ),
    Fault(
        "gancore/training/step/growth.py",
        "(stage.resolution, stage.alpha < 1)",
        "(stage.resolution, False)",
        "training/test_growth.py training/test_growth_schedule.py",
    ),
    Fault(
        "gancore/training/checkpoint.py",
        'Counters(**about["counters"])',
        'Counters(**about["counters"] | {"attempt": 0})',
        "training/test_resume.py",
    ),
    Fault("gancore/data/cache_key.py", '            "labels": labels,\n', "", "data"),
    Fault(
        "gancore/evaluation/reals.py",
        "plain[i - len(plain)].flip(3))",
        "plain[i - len(plain)].flip(2))",
        "evaluation",
    ),
    Fault(
        "gancore/config/inheritance.py",
        "(_is_section(now) or before.description == now.description)",
        "True",
        "config",
    ),
    Fault(
        "gancore/grid/state.py",
        "seconds=state.seconds + max(last_sign - state.started, 0.0), started=None",
        "started=None",
        "grid",
    ),
    Fault(
        "gancore/grid/report/statistics.py",
        "so_far = max(so_far, min(1.0, (len(ps) - rank) * ps[index]))",
        "so_far = min(1.0, (len(ps) - rank) * ps[index])",
        "grid",
    ),
    Fault(
        "gancore/cli/sample.py",
        "Making(truncation_cutoff, ",
        "Making(None, ",
        "cli networks/test_truncation.py",
    ),
    Fault(
        "gancore/artifacts/run.py",
        "        if old:\n            load_tensors(written)\n",
        "",
        "artifacts",
    ),
    Fault(
        "gancore/testing/batches.py",
        "    if issubclass(subject.plugin, WeightNormalization):\n        return\n    layer, label",
        "    return\n    yield\n    layer, label",
        "testing",
    ),
)


def caught_by(fault: Fault) -> list[str]:
    """The tests that fail while the fault is in place. Raises ValueError if the code to change is not there once."""
    path = ROOT / fault.file
    text = path.read_text("utf-8")
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.file} should have {fault.right!r} once, not {text.count(fault.right)} times")
    folders = [f"tests/{name}" for name in fault.tests.split()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", *folders]
    path.write_text(text.replace(fault.right, fault.wrong), "utf-8")
    try:
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    finally:
        path.write_text(text, "utf-8")
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)


if __name__ == "__main__":
    if subprocess.run(["git", "diff", "--quiet"], cwd=ROOT, check=False).returncode:
        sys.exit("the checkout has changes that are not committed")
    missed = 0
    for number in map(int, sys.argv[1:] or range(1, len(FAULTS) + 1)):
        fault = FAULTS[number - 1]
        caught = caught_by(fault)
        missed += not caught
        print(f"{number:2} {fault.file}: {caught[0] if caught else 'NOT CAUGHT'}", flush=True)
    sys.exit(bool(missed))
