"""The numerics shared by several plugins, one idea a module."""

from gancore.nn.layers import attach_weight_normalization as attach_weight_normalization
