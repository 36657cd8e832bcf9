"""What a plugin computes in bfloat16 is what it computes in float32, roughly."""

from collections.abc import Iterator

import torch

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding, holds
from gancore.testing.outputs import finite
from gancore.testing.subject import Subject

WHY = "training.precision: bf16 would train something else"


def bfloat16_is_close_to_float32(subject: Subject) -> Iterator[Finding]:
    """Under autocast, with inputs in bfloat16, as they come from a convolution; half of what there is may be lost."""
    plain = calls_of(subject, subject.made())
    for call, again in zip(plain, calls_of(subject, subject.made()), strict=True):
        exact = call.outputs()
        inputs = {
            name: value.bfloat16() if value.is_floating_point() else value for name, value in again.inputs.items()
        }
        with torch.autocast("cpu", torch.bfloat16):
            torch.manual_seed(0)
            rough = again.outputs(inputs)
        about = f"{call.name} in bfloat16"
        yield finite(about, rough)
        if not call.repeatable:
            continue
        for one, other in zip(exact, rough, strict=True):
            scale = float(one.detach().double().square().mean().sqrt())
            apart = float((one.detach().double() - other.detach().double()).square().mean().sqrt())
            got = f"a difference of {apart:.3g} where values are {scale:.3g}"
            yield holds(apart <= 0.3 * scale + 1e-6, about, "nearly the numbers of float32", got, WHY)
