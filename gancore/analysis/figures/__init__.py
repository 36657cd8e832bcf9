"""Draws the figures of the contracts: one file a kind."""

from gancore.analysis.figures.write import write_figure as write_figure
