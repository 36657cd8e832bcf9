"""The words that a plugin `provides` are true, and it provides all that it does."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from gancore.contracts import Normalization, Site
from gancore.testing.calls import normal
from gancore.testing.finding import Finding, holds
from gancore.testing.step import WORDS, SmallDraw
from gancore.testing.subject import Subject

WHY = "other plugins rely on it"


def provided_words_are_declared(subject: Subject) -> Iterator[Finding]:
    """`provided_with` has words of `provides` only."""
    more = set(subject.plugin.provided_with(subject.cfg)) - set(subject.plugin.provides)
    yield holds(not more, "provided_with", "words of `provides` only", ", ".join(sorted(more)), WHY)


def styles_are_true(subject: Subject) -> Iterator[Finding]:
    """Sites are styled where the generator provides "styles", and only there."""
    sites = [layer.site for layer in _recorded(subject)[0]]
    styled, declared = any(site.styled for site in sites), "styles" in subject.plugin.provides
    expected = "styled sites" if declared else 'no styled site without the word "styles"'
    yield holds(styled == declared or not sites, "styles", expected, "none" if declared else "some", WHY)


def ws_are_true(subject: Subject) -> Iterator[Finding]:
    """With "ws" there are several, and every one reaches the image; without, there is one."""
    made, declared = subject.stirred(), "ws" in subject.plugin.provides
    if not declared:
        yield holds(made.num_ws == 1, "ws", "num_ws 1 without the word", str(made.num_ws), WHY)
        return
    yield holds(made.num_ws > 1, "ws", "several ws", str(made.num_ws), WHY)
    ws = made.mapping(made.sample_z(SmallDraw(subject.n)), subject.label).detach().requires_grad_()
    image = made.synthesis(ws, noise_mode="const")[-1]
    (gradient,) = torch.autograd.grad(image.square().sum(), ws)
    unused = [str(i) for i in range(made.num_ws) if not gradient[:, i].any()]
    yield holds(not unused, "ws", "every w reaches the image", f"{', '.join(unused)} of {made.num_ws} do not", WHY)


def pyramid_is_true(subject: Subject) -> Iterator[Finding]:
    """With "pyramid" there is an image at every scale, coarse to fine; without, there is one image."""
    made, declared = subject.made(), "pyramid" in subject.plugin.provides
    ws = made.mapping(made.sample_z(SmallDraw(subject.n)), subject.label)
    sizes = [image.shape[-1] for image in made.synthesis(ws, noise_mode="const")]
    sound = (len(sizes) > 1 and sizes == sorted(set(sizes))) if declared else len(sizes) == 1
    expected = "images of growing sizes, the last the finest" if declared else "one image without the word"
    yield holds(sound, "pyramid", expected, f"sizes {sizes}", WHY)


def outputs_are_true(subject: Subject) -> Iterator[Finding]:
    """A discriminator returns the outputs that it provides, by name, and logits alone if none is wanted."""
    made, n, size = subject.made(), subject.n, subject.interface.resolution
    declared = set(subject.plugin.provided_with(subject.cfg))
    heads = made((normal(n, subject.interface.channels, size, size),), subject.label)
    yield holds(isinstance(heads, tuple), "forward", "a tuple of heads", f"a {type(heads).__name__}", WHY)
    if "wanted" not in inspect.signature(made.forward).parameters:
        named = sorted(declared & set(WORDS))
        yield holds(not named, "forward", f"`wanted`, to return {', '.join(named)}", "no such argument", WHY)
        return
    images, k = (normal(n, subject.interface.channels, size, size),), subject.interface.label_dim
    alone = made(images, subject.label)
    sound = isinstance(alone, tuple) and all(isinstance(head, torch.Tensor) for head in alone)
    yield holds(sound, "forward", "logits if nothing is wanted", "others", WHY)
    _, outputs = made(images, subject.label, None, 1, (*sorted(declared), *WORDS, "unheard_of"))
    more, lost = set(outputs) - declared, declared & set(WORDS) - set(outputs)
    yield holds(not more, "forward", "outputs that it provides", f"also {', '.join(sorted(more))}", WHY)
    yield holds(not lost, "forward", f"outputs {', '.join(sorted(lost))}", "none of them", WHY)
    for word, value in ((word, value) for word, values in outputs.items() for value in values):
        shape = list(value.shape)
        sound = shape == [n, k] if word == "class_logits" else shape[:1] == [n]
        expected = f"shape [{n}, {k}]" if word == "class_logits" else f"shape [{n}, ...]"
        yield holds(sound, f"forward, {word}", expected, str(shape), WHY)


def conditions_are_true(subject: Subject) -> Iterator[Finding]:
    """With "condition" a normalization follows the condition, and only with it."""
    made, declared = subject.stirred(), "condition" in subject.plugin.provides
    if not getattr(getattr(made, "site", None), "condition", 0):
        return
    y = normal(subject.n, subject.weight[0], 16, 16)
    condition = torch.eye(made.site.condition)
    one, other = (made.conditioned(y.clone(), condition[[i] * subject.n]) for i in range(2))
    follows = not one.equal(other)
    expected = "an output that follows the condition" if declared else 'none that follows it without "condition"'
    yield holds(follows == declared, "conditioned", expected, "another" if follows else "the same", WHY)


def reals_are_needed_as_declared(subject: Subject) -> Iterator[Finding]:
    """A loss whose g ignores the real logits does not ask for them."""
    made = subject.made()
    if not made.needs_reals_for_g or type(made).g is not subject.plugin.g:
        return
    try:
        one, other = (made.g(normal(subject.n), real) for real in normal(2, subject.n))
    except NotImplementedError:  # it has generator_loss
        return
    why = "the generator's phase would judge real images for nothing"
    yield holds(not one.equal(other), "needs_reals_for_g", "a loss that looks at them", "the same for others", why)


def sites_are_those_of_the_network(subject: Subject) -> Iterator[Finding]:
    """Names, numbers and sizes of the sites are those of the layers; normalizations are called."""
    recorders, made = _recorded(subject)
    sites = [layer.site for layer in recorders]
    if not sites:
        return
    names = {name for name, _ in made.named_modules()}
    lost = [site.name for site in sites if not any(name.endswith(site.name) for name in names)]
    yield holds(not lost, "sites", "names of layers of the network", f"no layer {', '.join(lost)}", WHY)
    unlike = sorted({site.network for site in sites} - {subject.spec.kind})
    yield holds(not unlike, "sites", f"those of a {subject.spec.kind}", ", ".join(unlike), WHY)
    order = [site.index for site in sites]
    counted = sorted(order) == list(range(len(sites))) and {site.total for site in sites} == {len(sites)}
    expected, got = f"indices 0 to {len(sites) - 1} of {len(sites)}", f"{order} of {sorted({s.total for s in sites})}"
    yield holds(counted, "sites", expected, got, "the share of PIN depends on the depth")
    wrong = [f"{layer.site.name}: {layer.got}" for layer in recorders if layer.got]
    expected = "activations of the sizes of each site"
    yield holds(not wrong, "sites", expected, "; ".join(wrong), "normalizations are built for these sizes")
    uncalled = [layer.site.name for layer in recorders if not layer.called]
    yield holds(not uncalled, "sites", "every normalization is called", f"not at {', '.join(uncalled)}", WHY)


class _Recorder(Normalization):
    """Compares what it normalizes with its site."""

    called = False
    got = ""

    def statistic(self, y: torch.Tensor, parts: int = 1) -> torch.Tensor:
        self.called = True
        expected, shape = [self.site.c_out, self.site.resolution], list(y.shape)
        if shape[1:] not in (expected + expected[1:], expected[:1]):
            self.got = f"{shape} with c_out {self.site.c_out}, resolution {self.site.resolution}"
        return y


def _recorded(subject: Subject) -> tuple[list[_Recorder], Any]:
    """The normalizations that a network has created, which record their input, and the network, after a pass."""
    recorders: list[_Recorder] = []

    def normalize(site: Site) -> Normalization:
        recorders.append(_Recorder(None, site))
        return recorders[-1]

    recorded = replace(subject, normalize=normalize)
    made = recorded.made()
    if subject.spec.kind == "generator":
        ws = made.mapping(made.sample_z(SmallDraw(subject.n)), subject.label)
        made.synthesis(ws, noise_mode="const")
    else:
        size = subject.interface.resolution
        made((normal(subject.n, subject.interface.channels, size, size),), subject.label)
    return recorders, made
