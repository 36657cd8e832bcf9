"""Numbers that say how good generated images are. Contract: gancore/contracts/metric.py; protocols: docs/metrics.md."""
