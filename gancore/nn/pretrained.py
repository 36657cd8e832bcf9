"""Networks that were trained elsewhere: optional packages, backbones of timm, and the hash that identifies weights."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from gancore.errors import GancoreError, did_you_mean


def package(module: str, extra: str) -> Any:
    """A module of an optional package. Raises GancoreError that says how to install it."""
    try:
        found: ModuleType = import_module(module)
    except ImportError as cause:
        name = module.partition(".")[0].replace("_", "-")
        raise GancoreError(f"{name} is not installed ({cause}); pip install 'gancore[{extra}]'") from cause
    return found


def timm_model(model: str, instead: str, **how: Any) -> nn.Module:
    """A model of timm by name; `how` is passed on to `timm.create_model`.

    Raises GancoreError if timm, the model or its weights are unavailable; the message ends with `instead`, a remedy.
    """
    timm = package("timm", "timm")
    if model.partition(".")[0] not in timm.list_models():
        raise GancoreError(f"timm has no model {model!r}; {_nearest(model, timm.list_models())}")
    with _hub_asked_once() if how.get("pretrained") else nullcontext() as silence:
        try:
            created: nn.Module = timm.create_model(model, **how)
        except Exception as cause:  # no network, no such file, weights of another model
            raise GancoreError(
                f"the weights of timm's {model} are unavailable ({silence or cause}); {instead}"
            ) from cause
    return created


@contextmanager
def _hub_asked_once() -> Iterator[str]:
    """Yields the reason why the hub of models does not answer; empty if it does.

    Its library would ask a dozen times within a minute, and report each time. This asks once; if the hub is silent,
    only the copies on this machine count.
    """
    hub, log = package("huggingface_hub", "timm"), logging.getLogger("huggingface_hub")
    level, offline, silence = log.level, hub.constants.HF_HUB_OFFLINE, ""
    log.setLevel(logging.ERROR)
    try:
        if not offline:
            hub.get_session().head(hub.constants.ENDPOINT, timeout=10)
    except Exception as cause:  # of any library
        silence = f"{hub.constants.ENDPOINT} does not answer: {cause}; there is no copy in {hub.constants.HF_HUB_CACHE}"
        hub.constants.HF_HUB_OFFLINE = True
    try:
        yield silence
    finally:
        log.setLevel(level)
        hub.constants.HF_HUB_OFFLINE = offline


def state_hash(state: Mapping[str, Tensor]) -> str:
    """sha256 (hex) of the floating-point tensors, in the order of their names; the same however they are stored."""
    digest = hashlib.sha256()
    for name in sorted(name for name, value in state.items() if value.is_floating_point()):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _nearest(model: str, known: Sequence[str]) -> str:
    return did_you_mean(model, known).partition("known:")[0] or "timm.list_models() lists them"
