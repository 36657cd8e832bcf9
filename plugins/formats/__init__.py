"""Checkpoints of other projects. Contract: gancore/contracts/format.py."""
