"""Which options outlive a change of `use`: those that the new plugin has as well, of the same type and meaning."""

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gancore.options import PluginConfig


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
