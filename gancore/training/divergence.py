"""The evidence of a step that was not finite: replayed from its seeds, on the weights from just before it."""

import math
from pathlib import Path
from typing import Any

from torch import nn

from gancore.artifacts.atomic import write_json
from gancore.artifacts.run import RunFolder
from gancore.training.samples import save_grid
from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer


def keep_evidence(run: RunFolder, trainer: Trainer, bad_step: int) -> Path:
    """Writes `divergence-<step>/`: the batch as a picture, losses and gradient norms of each phase.

    Both networks are as they were before the first bad update; the trainer cannot be used afterwards.
    All processes of a run replay the step, and the first one writes.
    """
    folder = run.path / f"divergence-{bad_step}-attempt{trainer.counters.attempt}"
    trainer.rewind(bad_step)
    batch = trainer.reals(0)
    report = {phase.name: _replayed(trainer, phase) for phase in trainer.phases if phase.is_due(bad_step)}
    weights = {network: _bad_parameters(module) for network, module in trainer.networks.items()}
    with trainer.processes.first_alone() as first:
        if first:
            folder.mkdir(exist_ok=True)
            save_grid(folder / "batch.png", trainer.data.batch(batch.indices, batch.flip, trainer.device).cpu())
            write_json(folder / "report.json", {"step": bad_step, "phases": report, "bad_parameters": weights})
    return folder


def _replayed(trainer: Trainer, phase: Phase) -> dict[str, Any]:
    loss = float(trainer.gradients(phase))
    return {"loss": str(loss), "gradient_norms": _norms(trainer.networks[phase.network])}


def _norms(network: nn.Module) -> dict[str, str]:
    """L2 norm of each parameter's gradient, as text: NaN and infinity are not JSON numbers."""
    return {name: f"{float(p.grad.norm()):.6g}" for name, p in network.named_parameters() if p.grad is not None}


def _bad_parameters(network: nn.Module) -> list[str]:
    return [name for name, p in network.named_parameters() if not math.isfinite(float(p.detach().sum()))]
