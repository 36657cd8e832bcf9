"""Feature networks for metrics. Contract: gancore/contracts/feature.py."""
