"""The `observers:` section: a list of slots (gancore.config.slots) with these keys beside the options of each."""

from pydantic import Field

from gancore.options import PluginConfig


class ObserverKeys(PluginConfig):
    """Keys of an observer beside its own options."""

    required: bool = Field(False, description="whether an error of the observer ends the run, which is saved first")
