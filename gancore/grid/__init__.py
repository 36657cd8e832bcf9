"""Many experiments made of one: axes -> cells -> an executor (this machine, or a Ray cluster) -> results.

points        the combinations of axes and seeds, by name; knows the `grid:` section only
cells         each of them resolved and identified
folder        where a grid lives, and what is known of each cell; light
job           one cell in a process of its own, gancore.cli.grid_cell
local, cluster  who runs the jobs: worker threads here, or Ray
run           from a file to finished cells
status, clean, report  looking at a grid folder; light
published     tables of papers that a grid may say it repeats; light
forecast      what it will cost, before it starts
"""
