"""Observers. Contract: gancore/contracts/observer.py."""
