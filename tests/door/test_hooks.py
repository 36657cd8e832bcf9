"""Every hook is called through `discover().hooks`, with the arguments its specification has."""

import inspect
from types import SimpleNamespace

import pytest

from gancore import hookspecs
from gancore.discovery import discover

RUN = SimpleNamespace(path="runs/x")
CALLS = {
    "gancore_run_start": {"run": RUN},
    "gancore_step_end": {"run": RUN, "step": 3, "kimg": 0.096},
    "gancore_run_end": {"run": RUN},
}
"""Observer to what it is called with; the catalogue, the one hook that is no observer, is called by discovery."""

OBSERVER = """
    from gancore import hookimpl

    seen = []

    @hookimpl
    def {hook}({arguments}):
        seen.append(dict(locals()))
"""


def hook_names() -> set[str]:
    return {name for name in vars(hookspecs) if name.startswith("gancore_")}


def test_every_hook_has_a_test():
    assert hook_names() == {"gancore_catalogue", *CALLS}


@pytest.mark.parametrize("hook", sorted(hook_names()))
def test_every_hook_is_documented(hook: str):
    assert len(inspect.getdoc(getattr(hookspecs, hook)) or "") > 30


@pytest.mark.parametrize("hook", CALLS)
def test_an_observer_sees_the_call(install, hook: str):
    install("observing-plugins", "observing", OBSERVER.format(hook=hook, arguments=", ".join(CALLS[hook])))
    getattr(discover().hooks, hook)(**CALLS[hook])
    import observing

    assert observing.seen == [CALLS[hook]]


@pytest.mark.parametrize("hook", CALLS)
def test_an_observer_may_leave_arguments_out(install, hook: str):
    install("observing-plugins", "observing", OBSERVER.format(hook=hook, arguments=""))
    getattr(discover().hooks, hook)(**CALLS[hook])
    import observing

    assert observing.seen == [{}]


def test_a_provider_that_only_observes_needs_no_catalogue(install):
    install("observing-plugins", "observing", OBSERVER.format(hook="gancore_run_end", arguments="run"))
    assert discover().broken == []


def test_a_broken_provider_observes_nothing(install):
    code = OBSERVER.format(hook="gancore_run_end", arguments="run")
    install("broken-plugins", "broken", code + "    @hookimpl\n    def gancore_unheard(): ...\n")
    discover().hooks.gancore_run_end(run=RUN)
    import broken

    assert broken.seen == []
