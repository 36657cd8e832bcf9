"""Checks that a plugin keeps its contract: for the tests of plugin authors, and behind `gancore plugins check`.

    from gancore.testing import check_plugin

    def test_mine_keeps_its_contract() -> None:
        check_plugin(Mine, eps=1e-6)

A check is a small function that builds the plugin, uses it on small inputs, and yields findings. The checks of a topic
(shapes, gradients, growth, ...) are in one file; `gancore.testing.check` runs those of the plugin's kind.
"""

from gancore.testing.check import check_plugin as check_plugin
from gancore.testing.check import findings as findings
from gancore.testing.finding import Finding as Finding
from gancore.testing.measurement import SmallMeasurement as SmallMeasurement
from gancore.testing.step import SmallDraw as SmallDraw
from gancore.testing.step import SmallStep as SmallStep
