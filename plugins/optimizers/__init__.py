"""Optimizers. Contract: gancore/contracts/optimizer.py."""
