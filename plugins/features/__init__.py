"""Networks that look at images for metrics. Contract: gancore/contracts/feature.py."""
