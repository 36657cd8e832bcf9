"""Latents. Contract: gancore/contracts/latent.py."""
