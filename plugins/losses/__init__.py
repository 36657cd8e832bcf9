"""Adversarial losses. Contract: gancore/contracts/loss.py."""
