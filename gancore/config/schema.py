"""The language as a JSON Schema (draft 2020-12), made from the frame and the options of every plugin there is.

It is as strict as it can be without reading other files: a file that extends another may leave out what that one
says, and a file with `plugins:` may use names that nobody else knows. `gancore validate` has the last word.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gancore.config.sections import KEY, NETWORK_KEYS, DataKeys, Frame
from gancore.config.sections.evaluation import EvaluationKeys, MetricKeys
from gancore.errors import PluginError
from gancore.registry import Registry

Schema = dict[str, Any]


def experiment_schema(registry: Registry) -> Schema:
    """The schema of experiment files; plugins that cannot be loaded are left out."""
    return _Builder(registry).schema()


class _Builder:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Schema] = {}
        self.names: dict[str, list[str]] = {}

    def schema(self) -> Schema:
        from gancore.contracts import Normalization, WeightNormalization

        sections = self.model("experiment", Frame)["properties"]
        weights = self.part("weight_normalization", "normalization", contract=WeightNormalization)
        network = {
            "normalization": self.part("normalization", "normalization", contract=Normalization),
            "weight_normalization": _or([None], weights),
        }
        network = {key: _described(NETWORK_KEYS[key], schema) for key, schema in network.items()}
        parts = {
            "data": self.part("data", "dataset", self.model("data", DataKeys)["properties"]),
            "generator": self.part("generator", "generator", network),
            "discriminator": self.part("discriminator", "discriminator", network),
            "loss": self.part("loss", "loss"),
            "augmentation": _or([None], self.part("augmentation", "augmentation")),
            "regularizers": self.regularizers(),
            "evaluation": _or([None], self.evaluation()),
        }
        self.optimizers()
        sections |= {key: _described(sections[key]["description"], part) for key, part in parts.items()}
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

    def part(self, slot: str, kind: str, core: Schema | None = None, contract: type[Any] = object) -> Schema:
        """A reference to the definition of NAME or {use: NAME, ...} for the plugins of a kind, or of a contract."""
        known = set(core or ())
        self.names[slot] = []
        for spec in self.registry.specs(kind):
            try:
                plugin = spec.load()
            except PluginError:
                continue
            if issubclass(plugin, contract):
                owner = f"{kind}.{spec.name}"
                options = {**(core or {}), **self.model(owner, plugin.Config)["properties"]}
                self.definitions[owner] = _options(spec.name, spec.summary, options)
                self.names[slot].append(spec.name)
                known |= set(options)
        self.definitions[slot] = _part({name: f"{kind}.{name}" for name in self.names[slot]}, known)
        return {"$ref": f"#/$defs/{slot}"}

    def regularizers(self) -> Schema:
        """Keys that are plugins take that plugin's options; all others must say `use`."""
        anything = self.part("regularizer", "regularizer")
        says_use = {"if": {"type": "object"}, "then": {"required": ["use"]}}
        without_use = {"type": "object", "not": {"required": ["use"]}}
        own = {
            name: _or(
                [None, False],
                {"if": without_use, "then": {"$ref": f"#/$defs/regularizer.{name}"}, "else": anything},
            )
            for name in self.names["regularizer"]
        }
        return {
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"^{KEY}$"},
            "properties": own,
            "additionalProperties": _or([None, False], {"allOf": [anything, says_use]}),
        }

    def evaluation(self) -> Schema:
        """Features, and a list of metrics that may have features of their own."""
        keys, own = (self.model(owner, model) for owner, model in (("keys", EvaluationKeys), ("own", MetricKeys)))
        features = self.part("feature", "feature")
        metric = self.part("metric", "metric", own["properties"] | {"features": _or([None], features)})
        said = {"features": features, "metrics": {"type": "array", "minItems": 1, "items": metric}}
        properties = keys["properties"]
        said = {key: _described(properties[key]["description"], schema) for key, schema in said.items()}
        return {**keys, "type": "object", "properties": properties | said, "additionalProperties": False}

    def optimizers(self) -> None:
        """Optimizers are chosen like plugins, and those of one network may say only what differs."""
        training = self.definitions["experiment.TrainingConfig"]["properties"]
        bodies = {
            name: reference.removeprefix("#/$defs/")
            for name, reference in _mapping(training["optimizer"])["discriminator"]["mapping"].items()
        }
        known = {key for body in bodies.values() for key in self.definitions[body]["properties"]}
        self.definitions["optimizer"] = _part(bodies, known)
        for key in ("optimizer", "generator_optimizer", "discriminator_optimizer"):
            anything: Schema = {"$ref": "#/$defs/optimizer"}
            schema = anything if key == "optimizer" else _or([None], anything)
            training[key] = _described(training[key].get("description", key), schema)

    def model(self, owner: str, model: type[BaseModel]) -> Schema:
        """The schema of a model, with the models inside it defined as "owner.Model"."""
        schema = model.model_json_schema(ref_template=f"#/$defs/{owner}.{{model}}")
        for name, inner in schema.pop("$defs", {}).items():
            self.definitions[f"{owner}.{name}"] = _tidy(inner)
        return {"properties": {}, **_tidy(schema)}

    def complete(self) -> Schema:
        """What a file must say that does not extend another."""
        return {"required": ["data"], "properties": {"data": {"if": {"type": "object"}, "then": {"required": ["use"]}}}}

    def closed(self) -> Schema:
        """The names there are, for a file that brings no plugins of its own."""

        def known(slot: str, **inner: Schema) -> Schema:
            names: Schema = {"enum": self.names[slot]}
            return {"if": {"type": "string"}, "then": names, "else": {"properties": {"use": names, **inner}}}

        inside = {slot: known(slot) for slot in ("normalization", "weight_normalization")}
        return {
            "properties": {
                "data": known("data"),
                "generator": known("generator", **inside),
                "discriminator": known("discriminator", **inside),
                "loss": known("loss"),
                "augmentation": known("augmentation"),
                "regularizers": {"additionalProperties": known("regularizer")},
                "evaluation": {"properties": {"features": known("feature"), "metrics": {"items": known("metric")}}},
            }
        }


def _part(bodies: Mapping[str, str], known: set[str]) -> Schema:
    """NAME or {use: NAME, ...}: the options of the plugin in use, or those of any where the use is not said."""
    chosen = [
        {"if": {"required": ["use"], "properties": {"use": {"const": name}}}, "then": {"$ref": f"#/$defs/{body}"}}
        for name, body in bodies.items()
    ]
    name: Schema = {"anyOf": [{"enum": list(bodies)}, {"type": "string"}]}
    unsaid = {"if": {"not": {"required": ["use"]}}, "then": {"propertyNames": {"enum": sorted(known)}}}
    options = {"properties": {"use": name}, "allOf": [*chosen, unsaid]}
    return {"if": {"type": "object"}, "then": options, "else": name}


def _or(values: list[Any], schema: Schema) -> Schema:
    """Either one of the values or what the schema says, with the schema's own words when it is neither."""
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
    """Without titles made of names; with the source of an inherited option told in its description."""
    if isinstance(schema, list):
        return [_tidy(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(inner) for key, inner in schema.items() if not (key == "title" and isinstance(inner, str))}
    if isinstance(source := tidy.pop("inherits", None), str):
        tidy["description"] = f"{tidy.get('description', '')} (default: {source})".strip()
    return tidy
