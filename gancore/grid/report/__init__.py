"""The report of a grid, at any moment: data (JSON, CSV) and pages (Markdown, HTML). Imports no torch.

results       everything that is known of the cells, typed: what results.json holds
collect       reads it from a grid folder
statistics    Student's t, Welch's test, Holm's correction
layout        which axis is in rows, which in columns
arms          cells that differ in their seed alone, and which arms can be told from the best
published     what papers report, in published.yaml, and whether it may stand beside what was measured
terms         what papers call scores, in terms.yaml
tables        the tables as a paper prints them
figures       scores over kimg, as SVG
pictures      samples, small enough to carry
neighbours    what a cell is, and what separates it from the next ones
gallery       them as a table
provenance    protocols, versions, devices, data, commands
overview      the table of all cells
remarks       what must be said beside the numbers
spreadsheet, markdown, html  the same in three forms
write         all of them into a folder
"""
