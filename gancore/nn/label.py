"""How a label [N, label_dim] enters a network that has no mapping for it."""

import torch
from torch import Tensor


def required_label(label: Tensor | None, label_dim: int) -> Tensor:
    """The label [N, label_dim] of a network that was made for labels. Raises ValueError if it is missing."""
    if label is None:
        raise ValueError(f"this network was made for labels [N, {label_dim}], and got none")
    return label


def condition_of(label: Tensor | None, label_dim: int) -> Tensor | None:
    """The condition of normalizations: the label [N, label_dim]; None without labels. Raises ValueError if missing."""
    return required_label(label, label_dim) if label_dim else None


def with_label(x: Tensor, label: Tensor | None, label_dim: int) -> Tensor:
    """[N, C] followed by its label [N, label_dim], if there are labels. Raises ValueError if it is missing."""
    return torch.cat([x, required_label(label, label_dim).to(x.dtype)], dim=1) if label_dim else x


def with_label_planes(x: Tensor, label: Tensor | None) -> Tensor:
    """[N, C, H, W] with a constant plane for each entry of the label [N, label_dim]; the same without a label."""
    if label is None or not label.shape[1]:
        return x
    return torch.cat([x, label.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)


def logit_of_class(logits: Tensor, label: Tensor | None, label_dim: int) -> Tensor:
    """[N, label_dim] to the logit of the label's class, [N]; [N, 1] to [N] without labels."""
    return (logits * required_label(label, label_dim)).sum(1) if label_dim else logits[:, 0]
