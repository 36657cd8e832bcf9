"""Where images come from. Contract: gancore/contracts/dataset.py."""
