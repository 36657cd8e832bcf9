"""Penalties, and changes to a step. Contract: gancore/contracts/regularizer.py."""
