"""The language as a JSON Schema (draft 2020-12), made from sections, slots and the options of every plugin.

It is as strict as possible without reading other files: a file that extends another may leave out keys of that one, and
a file with `plugins:` may use names that are unknown here. `gancore validate` decides.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gancore.config.sections.evaluation import EvaluationKeys
from gancore.config.sections.experiment import Sections
from gancore.config.slots import ANY, KEY, LISTED, SLOTS, TOP, Slot, slot_at
from gancore.errors import PluginError
from gancore.registry import Registry

Schema = dict[str, Any]

FEATURES, METRIC = slot_at(("evaluation", "features")), slot_at(("evaluation", "metrics", ANY))


def experiment_schema(registry: Registry) -> Schema:
    """The schema of experiment files; plugins that cannot be loaded are left out."""
    return _Builder(registry).schema()


class _Builder:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Schema] = {}
        self.names: dict[str, list[str]] = {}

    def schema(self) -> Schema:
        sections = self.model("experiment", Sections)["properties"]
        chosen = {name: self.slot(slot) for name, slot in TOP.items() if ANY not in slot.keys}
        chosen |= {name: {"type": ["array", "null"], "items": self.part(slot)} for name, slot in LISTED.items()}
        chosen |= {
            "regularizers": self.regularizers(),
            "evaluation": _or([None], self.evaluation()),
        }
        self.optimizers()
        sections |= {key: _described(sections[key]["description"], part) for key, part in chosen.items()}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "gancore experiment",
            "type": "object",
            "properties": sections,
            "additionalProperties": False,
            "allOf": [
                {"if": {"required": ["extends"]}, "else": self.complete()},
                {"if": {"required": ["plugins"]}, "else": self.closed()},
            ],
            "$defs": self.definitions,
        }

    def slot(self, slot: Slot) -> Schema:
        """NAME or {use: NAME, ...} for a slot, null where it may be empty."""
        schema = self.part(slot)
        return _described(slot.description, _or([None], schema) if slot.optional else schema)

    def part(self, slot: Slot) -> Schema:
        """A reference to the definition of NAME or {use: NAME, ...} for the plugins that fit a slot."""
        core = self.model(slot.name, slot.own)["properties"] | {inner.name: self.slot(inner) for inner in slot.inside}
        known, names = set(core), []
        for spec in self.registry.specs(slot.kind):
            try:
                plugin = spec.load()
            except PluginError:
                continue
            if slot.accepts(plugin):
                owner = f"{slot.kind}.{spec.name}"
                options = {**core, **self.model(owner, plugin.Config)["properties"]}
                self.definitions[owner] = _options(spec.name, spec.summary, options)
                names.append(spec.name)
                known |= set(options)
        self.names[slot.name] = names
        self.definitions[slot.name] = _part({name: f"{slot.kind}.{name}" for name in names}, known)
        return {"$ref": f"#/$defs/{slot.name}"}

    def regularizers(self) -> Schema:
        """Keys that are plugins take that plugin's options; all others must say `use`."""
        anything = self.part(TOP["regularizers"])
        says_use = {"if": {"type": "object"}, "then": {"required": ["use"]}}
        without_use = {"type": "object", "not": {"required": ["use"]}}
        own = {
            name: _or(
                [None, False],
                {"if": without_use, "then": {"$ref": f"#/$defs/regularizer.{name}"}, "else": anything},
            )
            for name in self.names["regularizers"]
        }
        return {
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"^{KEY}$"},
            "properties": own,
            "additionalProperties": _or([None, False], {"allOf": [anything, says_use]}),
        }

    def evaluation(self) -> Schema:
        """Features, and a list of metrics that may have their own features."""
        keys = self.model("keys", EvaluationKeys)
        metrics = keys["properties"]["metrics"] | {"items": self.part(METRIC)}
        chosen = {"features": self.slot(FEATURES), "metrics": metrics}
        return {**keys, "type": "object", "properties": keys["properties"] | chosen, "additionalProperties": False}

    def optimizers(self) -> None:
        """The slots within `training`."""
        training = self.definitions["experiment.TrainingConfig"]["properties"]
        for slot in SLOTS:
            if slot.keys[:-1] == ("training",):
                training[slot.name] = self.slot(slot)

    def model(self, owner: str, model: type[BaseModel]) -> Schema:
        """The schema of a model, with the models inside it defined as "owner.Model"."""
        schema = model.model_json_schema(ref_template=f"#/$defs/{owner}.{{model}}")
        for name, inner in schema.pop("$defs", {}).items():
            self.definitions[f"{owner}.{name}"] = _tidy(inner)
        return {"properties": {}, **_tidy(schema)}

    def complete(self) -> Schema:
        """The required keys of a file that does not extend another."""
        return {"required": ["data"], "properties": {"data": {"if": {"type": "object"}, "then": {"required": ["use"]}}}}

    def closed(self) -> Schema:
        """The known names, for a file without its own plugins."""

        def known(slot: Slot) -> Schema:
            names: Schema = {"enum": self.names[slot.name]}
            inside = {inner.name: known(inner) for inner in slot.inside}
            return {"if": {"type": "string"}, "then": names, "else": {"properties": {"use": names, **inside}}}

        metrics = {"items": known(METRIC)}
        chosen = {name: known(slot) for name, slot in TOP.items() if ANY not in slot.keys}
        chosen["regularizers"] = {"additionalProperties": known(TOP["regularizers"])}
        chosen |= {name: {"items": known(slot)} for name, slot in LISTED.items()}
        chosen["evaluation"] = {"properties": {"features": known(FEATURES), "metrics": metrics}}
        return {"properties": chosen}


def _part(bodies: Mapping[str, str], known: set[str]) -> Schema:
    """NAME or {use: NAME, ...}: the options of the plugin in use, or those of any if there is no `use`."""
    chosen = [
        {"if": {"required": ["use"], "properties": {"use": {"const": name}}}, "then": {"$ref": f"#/$defs/{body}"}}
        for name, body in bodies.items()
    ]
    name: Schema = {"anyOf": [{"enum": list(bodies)}, {"type": "string"}]}
    unsaid = {"if": {"not": {"required": ["use"]}}, "then": {"propertyNames": {"enum": sorted(known)}}}
    options = {"properties": {"use": name}, "allOf": [*chosen, unsaid]}
    return {"if": {"type": "object"}, "then": options, "else": name}


def _or(values: list[Any], schema: Schema) -> Schema:
    """Either one of the values or a match of the schema, with the schema's own message if it is neither."""
    return {"if": {"enum": values}, "else": schema}


def _described(description: str, schema: Schema) -> Schema:
    return {"description": description, **schema}


def _options(name: str, summary: str, properties: Mapping[str, Schema]) -> Schema:
    use = {"const": name, "description": summary}
    return {"type": "object", "properties": {"use": use, **properties}, "additionalProperties": False}


def _mapping(schema: Schema) -> Schema:
    """The place of a tagged union in a property's schema."""
    return schema if "discriminator" in schema else next(inner for inner in schema["anyOf"] if "oneOf" in inner)


def _tidy(schema: Any) -> Any:
    """Without titles made of names; with the source of an inherited option in its description."""
    if isinstance(schema, list):
        return [_tidy(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(inner) for key, inner in schema.items() if not (key == "title" and isinstance(inner, str))}
    if isinstance(source := tidy.pop("inherits", None), str):
        tidy["description"] = f"{tidy.get('description', '')} (default: {source})".strip()
    return tidy
