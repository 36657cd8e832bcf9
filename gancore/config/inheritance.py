"""Options that are written elsewhere: those of another part, and those from before `use` was changed.

With `json_schema_extra={"inherits": "generator.channels"}` and the default None, a plugin marks an option that by
default is another part's. It then takes the value at that key of the resolved experiment. Sections are resolved in the
order training, data, generator, discriminator, loss, regularizers, augmentation; each may inherit from those before it.

When `use` changes (by an override, or in a file that extends another), options that the new plugin has as well, of
the same type and meaning, stay.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gancore.config.experiment import plain
from gancore.config.yaml.document import Keys, find, replaced
from gancore.options import PluginConfig


def source_of(field: FieldInfo) -> str | None:
    """The dotted key that a marked field inherits from."""
    extra = field.json_schema_extra
    return str(extra["inherits"]) if isinstance(extra, dict) and "inherits" in extra else None


def inherited(cfg: PluginConfig, resolved: Mapping[str, Any]) -> dict[Keys, tuple[str, Any]]:
    """The inherited values of the empty marked options of `cfg`: their keys to the source and its value."""
    found = {}
    for keys, source in _empty(cfg, ()):
        section, *inner = source.split(".")
        if (value := find(plain(resolved.get(section)), tuple(inner))) is not None:
            found[keys] = (source, value)
    return found


def _empty(cfg: PluginConfig, keys: Keys) -> Iterator[tuple[Keys, str]]:
    for name, field in type(cfg).model_fields.items():
        value = getattr(cfg, name)
        if isinstance(value, PluginConfig):
            yield from _empty(value, (*keys, name))
        elif value is None and (source := source_of(field)) is not None:
            yield (*keys, name), source


def filled(cfg: PluginConfig, values: Mapping[Keys, tuple[str, Any]]) -> Any:
    """The options of `cfg` as plain data, with the inherited values in place."""
    options = plain(cfg)
    for keys, (_, value) in values.items():
        options = replaced(options, keys, value)
    return options


def means_another(name: str, old: type[PluginConfig], new: type[PluginConfig]) -> bool:
    """Whether two plugins call different options by one name, such as a probability and a size.

    The meaning of an option is in its description, that of a section in its type.
    """
    before, now = old.model_fields.get(name), new.model_fields.get(name)
    if before is None or now is None:
        return False
    return before.annotation != now.annotation or not (_is_section(now) or before.description == now.description)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
