"""Topologies of generators. Contract: gancore/contracts/generator.py."""
