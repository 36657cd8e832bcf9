"""A generator as programs of tensors for other runtimes: truncation is an input, the batch size is free."""

from contextlib import suppress
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gancore.contracts import Generator


class MappingProgram(nn.Module):
    """z [N, z_dim], truncation_psi [], and for conditional models label [N, label_dim], to ws [N, num_ws, w_dim].

    Without truncation_psi, nothing is truncated; some generators have none.
    """

    def __init__(self, generator: Generator, truncation_cutoff: int | None = None) -> None:
        super().__init__()
        self.mapping, self.cutoff = generator.mapping, truncation_cutoff

    def forward(self, z: Tensor, truncation_psi: Tensor | None = None, label: Tensor | None = None) -> Tensor:
        """Truncation is linear in psi, between the ws at 0 and those at 1."""
        ws: Tensor = self.mapping(z, label)
        if truncation_psi is None:
            return ws
        mean = self.mapping(z, label, truncation_psi=0.0, truncation_cutoff=self.cutoff)
        return mean + truncation_psi * (ws - mean)


class SynthesisProgram(nn.Module):
    """ws [N, num_ws, w_dim] to images [N, C, R, R] in nominal [-1, 1]; a growing network's are enlarged."""

    def __init__(self, generator: Generator, noise_mode: Literal["const", "none"] = "const") -> None:
        super().__init__()
        self.generator, self.noise_mode = generator, noise_mode

    def forward(self, ws: Tensor) -> Tensor:
        G = self.generator
        return G.enlarged(G.synthesis(ws, noise_mode=self.noise_mode, stage=G.stage)[-1])


class GeneratorProgram(nn.Module):
    """Both: z, truncation_psi and label to images."""

    def __init__(
        self, generator: Generator, truncation_cutoff: int | None = None, noise_mode: Literal["const", "none"] = "const"
    ) -> None:
        super().__init__()
        self.mapped = MappingProgram(generator, truncation_cutoff)
        self.painted = SynthesisProgram(generator, noise_mode)

    def forward(self, z: Tensor, truncation_psi: Tensor | None = None, label: Tensor | None = None) -> Tensor:
        images: Tensor = self.painted(self.mapped(z, truncation_psi, label))
        return images


def example(generator: Generator, n: int = 2) -> dict[str, Tensor]:
    """Inputs by name: z, truncation_psi where the generator truncates, label where it has classes."""
    z, label_dim = torch.zeros(n, generator.z_dim), generator.interface.label_dim
    first_class = functional.one_hot(torch.zeros(n, dtype=torch.long), label_dim).float() if label_dim else None
    inputs, label = {"z": z}, first_class
    with suppress(ValueError), torch.no_grad():  # raised by generators without truncation
        generator.mapping(z, label, truncation_psi=0.0)
        inputs["truncation_psi"] = torch.tensor(0.7)
    return inputs if label is None else inputs | {"label": label}
