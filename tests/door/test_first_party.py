"""registry.yaml and the files of plugins/ agree both ways, and the engine never names the plugins' package."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import gancore_plugins
from gancore import contracts
from gancore.discovery import FIRST_PARTY, discover
from gancore.kinds import CONTRACTS
from gancore.registry import PluginSpec

ENGINE = Path(inspect.getfile(contracts)).parents[1]
OWN = [spec for spec in discover().specs() if spec.distribution == FIRST_PARTY]
MODULES = [
    module.name for module in pkgutil.walk_packages(gancore_plugins.__path__, "gancore_plugins.") if not module.ispkg
]
BASES = tuple(getattr(contracts, name) for names in CONTRACTS.values() for name in names if name != "Plugin")


@pytest.mark.parametrize("spec", OWN, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_every_entry_of_the_catalogue_loads(spec: PluginSpec):
    assert spec.load().__doc__


@pytest.mark.parametrize("module", MODULES)
def test_every_plugin_class_is_in_the_catalogue(module: str):
    """Public classes derived from a contract; one that another is derived from is their common base."""
    here = vars(importlib.import_module(module)).values()
    own = [c for c in here if isinstance(c, type) and c.__module__ == module and issubclass(c, BASES)]
    plugins = [c for c in own if not any(c in other.__mro__[1:] for other in own) and not c.__name__.startswith("_")]
    assert set(plugins) <= {spec.load() for spec in OWN}


@pytest.mark.parametrize("spec", OWN, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_summaries_are_one_line_and_papers_can_be_found(spec: PluginSpec):
    assert 10 < len(spec.summary) <= 100
    assert "\n" not in spec.summary
    assert re.fullmatch(r"|arXiv:\d{4}\.\d{4,5}|doi:\S+|https://\S+", spec.paper)


@pytest.mark.parametrize("spec", OWN, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_every_module_says_what_it_is_and_where_it_comes_from(spec: PluginSpec):
    doc = importlib.import_module(spec.target.partition(":")[0]).__doc__ or ""
    assert len(doc) > 40
    assert not spec.paper or re.search(r"arXiv:\d{4}|doi:|https://", doc)


def test_the_engine_names_neither_the_package_nor_a_plugin():
    for file in ENGINE.rglob("*.py"):
        assert "gancore_plugins" not in file.read_text(), file


@pytest.mark.parametrize("module", MODULES)
def test_no_plugin_speaks_to_other_processes_itself(module: str):
    """gancore.nn.processes is the one door: it knows which processes share the batch."""
    assert "distributed" not in inspect.getsource(importlib.import_module(module))
