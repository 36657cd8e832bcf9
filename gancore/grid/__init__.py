"""Many experiments from one: axes -> cells -> an executor (this machine, or a Ray cluster) -> results.

combinations  of the axes' values and the seeds, by name; knows the `grid:` section only
cells         each of them as an experiment, checked and identified
state         the life of a cell: what is known of it, and how attempts change that; pure functions
folder        where a grid lives, and the states of its cells on disk; light
stop_early    rules that stop hopeless cells
job           one cell in a separate process, gancore.cli.grid_cell
local, cluster  who runs the jobs: worker threads here, or Ray
run           from a file to finished cells
status, clean, report  looking at a grid folder; light
published     tables of papers that a grid may say it repeats; light
"""
