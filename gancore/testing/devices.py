"""A plugin works where its tensors are: nothing in it is bound to the CPU."""

from collections.abc import Iterator

import torch
from torch import nn

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject

WHY = "models are loaded there without memory for their first weights"


def it_is_built_on_the_meta_device(subject: Subject) -> Iterator[Finding]:
    """Where tensors have a shape and no values."""
    with torch.device("meta"):
        made = subject.plugin(subject.cfg, *subject._context())
    if isinstance(made, nn.Module):
        tensors = {**dict(made.named_parameters()), **dict(made.named_buffers())}
        there = [name for name, value in tensors.items() if not value.is_meta]
        yield holds(not there, "built on the meta device", "all tensors there", f"{', '.join(there)} elsewhere", WHY)


def it_runs_where_its_inputs_are(subject: Subject) -> Iterator[Finding]:
    """On the meta device, which refuses tensors of the CPU as a GPU does."""
    made = subject.made()
    calls = calls_of(subject, made)
    if isinstance(made, nn.Module):
        made.to("meta")
    for call in calls:
        if not call.inputs or call.name.endswith("_loss"):  # they start from networks of the CPU
            continue
        outputs = call.outputs({name: value.to("meta") for name, value in call.inputs.items()})
        there = all(output.is_meta for output in outputs)
        yield holds(there, f"{call.name} on another device", "results there", "results on the CPU", "GPUs train")
