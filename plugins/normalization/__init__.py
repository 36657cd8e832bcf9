"""Normalizations of activations, and of weights (spectral). Contract: gancore/contracts/normalization.py."""
