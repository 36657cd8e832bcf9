"""Gradients reach inputs and parameters, and are finite and not zero."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject

WHY = "what gets no gradient is never trained"


def gradients_reach_the_inputs(subject: Subject) -> Iterator[Finding]:
    for call in calls_of(subject, subject.stirred()):
        if call.differentiable:
            inputs = {name: value.requires_grad_(name in call.differentiable) for name, value in call.inputs.items()}
            if outputs := call.outputs(inputs):
                total = weighted_sum(outputs)
                if call.may_ignore and not total.requires_grad:
                    continue
                for name in call.differentiable:
                    yield _gradient(f"{call.name}, by {name}", total, {name: inputs[name]})


def gradients_reach_every_parameter(subject: Subject) -> Iterator[Finding]:
    """Those of a network that grows, at one of its stages; of any call where there are several."""
    made = subject.stirred()
    if isinstance(made, nn.Module) and (parameters := trained(made)):
        total = weighted_sum(output for call in calls_of(subject, made) for output in call.outputs())
        yield _gradient(f"by {len(parameters)} parameters", total, parameters)


def parameters_are_registered(subject: Subject) -> Iterator[Finding]:
    """Tensors that require gradients, in plain attributes, lists and mappings, are parameters of the module."""
    made = subject.made()
    if not isinstance(made, nn.Module):
        return
    known = {id(p) for p in made.parameters()}
    hidden = [
        f"{type(module).__name__}.{name}"
        for module in made.modules()
        for name, value in vars(module).items()
        if not name.startswith("_") and any(p.requires_grad and id(p) not in known for p in _parameters(value))
    ]
    expected = "every trained parameter is known to the module (nn.Parameter, nn.ModuleList)"
    yield holds(not hidden, "parameters", expected, f"some hidden in {', '.join(hidden)}", "no optimizer sees them")


def parameter_groups_have_own_parameters(subject: Subject) -> Iterator[Finding]:
    made = subject.made()
    own, seen = {id(p) for p in made.parameters()}, set[int]()
    for group in made.param_groups():
        wrong = [p for p in group.params if id(p) not in own or id(p) in seen]
        seen |= {id(p) for p in group.params}
        got = f"{len(wrong)} of others, or twice"
        yield holds(not wrong, "param_groups", "own parameters, once each", got, "an optimizer takes each once")
        sound = group.lr_factor >= 0
        yield holds(sound, "param_groups", "a factor from 0", f"{group.lr_factor}", "weights would go uphill")


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are not frozen, by name."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def weighted_sum(outputs: Iterable[Tensor]) -> Tensor:
    """One number that depends on every value of the outputs in its own way."""
    return torch.stack([(output * torch.randn_like(output)).sum() for output in outputs]).sum()


def _parameters(value: object) -> Iterator[Tensor]:
    """Tensors, and those in lists, mappings and modules that are no submodules."""
    match value:
        case nn.Module():
            yield from value.parameters()
        case Tensor():
            yield value
        case list() | tuple():
            for item in value:
                yield from _parameters(item)
        case dict():
            yield from _parameters(list(value.values()))


def _gradient(about: str, total: Tensor, inputs: Mapping[str, Tensor]) -> Finding:
    found = (
        torch.autograd.grad(total, list(inputs.values()), retain_graph=True, allow_unused=True)
        if total.requires_grad
        else [None] * len(inputs)
    )
    pairs = list(zip(inputs, found, strict=True))
    faults = {
        "none": [name for name, gradient in pairs if gradient is None],
        "values that are not finite": [n for n, g in pairs if g is not None and not g.isfinite().all()],
        "zeros only": [n for n, g in pairs if g is not None and not g.any()],
    }
    got = "; ".join(f"{fault} for {', '.join(names)}" for fault, names in faults.items() if names)
    return holds(not got, f"gradient of {about}", "finite and not zero", got, WHY)
