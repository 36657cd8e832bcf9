"""Fills the tables of docs/yaml.md from the code: `python -m scripts.make_yaml_reference`.

The text between `<!-- begin NAME -->` and `<!-- end NAME -->` is made here; everything else is written by hand.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gancore.cli.plugin_options import Option, table
from gancore.config.describe import SELECTORS, selectors
from gancore.config.inheritance import source_of
from gancore.config.sections.analyses import AnalysisKeys
from gancore.config.sections.data import DataKeys
from gancore.config.sections.evaluation import EvaluationKeys, MetricKeys
from gancore.config.sections.experiment import Sections
from gancore.config.sections.grid import GridConfig, StopEarly
from gancore.config.sections.init_from import InitFrom
from gancore.config.sections.observers import ObserverKeys
from gancore.config.sections.training import TrainingConfig
from gancore.config.slots import ANY, LISTED, SLOTS, TOP, Slot, slot_at
from gancore.config.yaml.scalars import inline
from gancore.discovery import FIRST_PARTY, discover
from gancore.options import CosineSchedule, LinearSchedule, TableSchedule
from gancore.registry import PluginSpec

REFERENCE = Path(__file__).parent.parent / "docs" / "yaml.md"
KINDS = list(dict.fromkeys(slot.kind for slot in SLOTS if slot.kind))
CHOSEN = "NAME or {use: NAME, ...}"
"""How a value for a slot is written."""


def made() -> dict[str, str]:
    """The generated blocks by name."""
    return {
        "sections": sections(),
        "data": options(DataKeys),
        "networks": rows(("key", "meaning"), ((slot.name, slot.description) for slot in TOP["generator"].inside)),
        "defaults": rows(("part", "`use`"), defaults()),
        "init_from": options(InitFrom),
        "training": options(TrainingConfig, *(slot for slot in SLOTS if slot.keys[:-1] == ("training",))),
        "evaluation": options(EvaluationKeys, slot_at(("evaluation", "features"))),
        "metrics": options(MetricKeys, *slot_at(("evaluation", "metrics", ANY)).inside),
        "analyses": options(AnalysisKeys, *TOP["analyses"].inside),
        "observers": options(ObserverKeys),
        "grid": options(GridConfig),
        "stop_early": options(StopEarly),
        "schedules": "\n".join([chosen(LinearSchedule), chosen(CosineSchedule), chosen(TableSchedule)]),
        "plugins": "\n".join(f"### {kind}\n\n{plugins(kind)}" for kind in KINDS),
    }


def filled(text: str, blocks: dict[str, str]) -> str:
    """The page with every block in its place. Raises ValueError for a block that has none."""
    for name, block in blocks.items():
        place = re.compile(f"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        found = place.search(text)
        if found is None:
            raise ValueError(f"the page has no place for {name}")
        text = f"{text[: found.start()]}{found[1]}\n{block}\n{found[2]}{text[found.end() :]}"
    return text


def sections() -> str:
    meaning = {name: field.description or "" for name, field in Sections.model_fields.items()}
    kinds = dict.fromkeys(TOP, CHOSEN) | {
        "training": "a mapping",
        "regularizers": "a mapping",
        **dict.fromkeys(LISTED, "a list"),
        "evaluation": "a mapping or null",
    }
    values = {option.name: option.type for option in table(Sections)} | kinds
    return rows(("section", "value", "meaning"), ((f"`{name}`", values[name], meaning[name]) for name in meaning))


def plugins(kind: str) -> str:
    return "\n".join(plugin(spec) for spec in discover().specs(kind) if spec.distribution == FIRST_PARTY)


def plugin(spec: PluginSpec) -> str:
    config = spec.load().Config
    title = f"**{spec.name}**: {spec.summary}" + (f" ({spec.paper})" if spec.paper else "")
    return f"{title}\n\n{options(config)}" if config.model_fields else f"{title}\n"


def chosen(model: type[BaseModel]) -> str:
    """One of several mappings, told apart by `use` or `schedule`."""
    ((key, (name,)),) = selectors(model).items()
    return f"`{{{key}: {name}, ...}}`: {model.__doc__}\n\n{options(model)}"


def options(config: type[BaseModel], *slots: Slot) -> str:
    """The keys of a model, and the slots beside them."""
    inherited = {name: source_of(field) for name, field in config.model_fields.items()}
    told = [option for option in table(config) if option.name not in (*SELECTORS, *(slot.name for slot in slots))]
    found = [(f"`{o.name}`", kind(o), default(o, inherited.get(o.name)), o.doc) for o in told]
    found += [(f"`{slot.name}`", CHOSEN, f"`{inline(slot.default)}`", slot.description) for slot in slots]
    return rows(("option", "value", "default", "meaning"), found)


def defaults() -> Iterator[tuple[str, str]]:
    """The plugin of every slot that has one where none is named."""
    for slot in SLOTS:
        if slot.default and slot.default != ANY:
            yield ".".join(map(str, slot.keys)), slot.default


def kind(option: Option) -> str:
    words = option.type.replace(" {schedule: linear|cosine|table, ...}", "")
    return f"{words}, {option.range}" if option.range else words


def default(option: Option, inherited: str | None) -> str:
    return "required" if option.required else f"that of `{inherited}`" if inherited else f"`{inline(option.default)}`"


def rows(head: Iterable[str], body: Iterable[Iterable[Any]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    REFERENCE.write_text(filled(REFERENCE.read_text(encoding="utf-8"), made()), encoding="utf-8")
