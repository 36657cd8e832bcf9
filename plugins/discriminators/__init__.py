"""Topologies of discriminators. Contract: gancore/contracts/discriminator.py."""
