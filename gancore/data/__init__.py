"""Images for training: decoded once, checked, fitted, cached and hashed.

The dataset plugins only say where images come from (gancore.contracts.Dataset); what is done with them is said by
the core's keys of the `data:` section (gancore.config.sections.DataKeys).
"""

from gancore.data.images import DataIdentity as DataIdentity
from gancore.data.images import ImageData as ImageData
from gancore.data.opening import interface_of as interface_of
from gancore.data.opening import open_data as open_data
