"""Shares of mixed normalizations (PIN, BIN), layer by layer, over training.

Source: arXiv:2103.01090 equation 7 (rho 1: pixel norm, 0: instance norm), arXiv:1805.07925 equation 3 (rho 1: batch
norm). What is drawn, the mean over channels with the range of 90% of them, is ours.
"""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from gancore.analysis import averaged
from gancore.contracts import Analysis, Chart, Generator, Line, PluginConfig, Result, Subject
from gancore.nn import Mix


class Rho(Analysis):
    """Plugin `rho`: the shares of every layer at the end, and their means over the checkpoints."""

    count: ClassVar[int] = 2

    class Config(PluginConfig):
        pass

    @property
    def protocol(self) -> str:
        return "mean over the channels of a layer; spread: standard deviation over them; averaged generator"

    def misfits(self, subject: Subject) -> Iterable[str]:
        if not shares_of(subject.generator):
            yield "none of its normalizations mixes two statistics by a share rho"

    def analyze(self, subject: Subject) -> Result:
        shares = shares_of(subject.generator)
        numbers = {f"rho/{name}": averaged(v) for name, v in shares.items()}
        every = torch.cat(list(shares.values()))
        numbers["mean"] = averaged(every)
        x = [float(i) for i in range(len(shares))]
        ends = torch.stack([torch.quantile(v.double(), torch.tensor([0.05, 0.95]).double()) for v in shares.values()])
        means = [float(v.mean()) for v in shares.values()]
        line = Line("", x, means, ends[:, 0].tolist(), ends[:, 1].tolist(), dots=True)
        ticks = {float(i): name for i, name in enumerate(shares)}
        caption = "Mean over channels; band: 5 to 95% of them. 0: instance norm; 1: the other statistic."
        figures = [Chart("layers", "Shares rho by layer", "layer", "rho", [line], ticks=ticks, caption=caption)]
        if "history" in subject.provided["run"]:
            figures.append(self.over_time(subject))
        return Result(numbers, figures)

    def over_time(self, subject: Subject) -> Chart:
        """The mean share of each layer at every checkpoint."""
        rows = [(at.kimg, shares_of(at.generator)) for at in subject.history()]
        x = [kimg for kimg, _ in rows]
        lines = [Line(name, x, [float(shares[name].mean()) for _, shares in rows]) for name in rows[-1][1]]
        return Chart("over_time", "Shares rho over training", "kimg", "mean rho", lines)


def shares_of(generator: Generator) -> dict[str, Tensor]:
    """rho [C] by the name of the layer."""
    modules = generator.synthesis.named_modules()
    found = {name: module.value().detach().float().cpu() for name, module in modules if isinstance(module, Mix)}
    return {name.partition(".normalization")[0]: value for name, value in found.items()}
