"""Penalties, and changes to how a step is made. Contract: gancore/contracts/regularizer.py."""
