"""The report of a grid, at any moment: data (JSON, CSV) and pages (Markdown, HTML). Imports no torch.

results       all data of the cells, typed: the contents of results.json
collect       reads it from a grid folder
statistics    Student's t, Welch's test, Holm's correction
layout        which axis is in rows, which in columns
arms          cells that differ only in their seed, and which arms differ from the best
published     numbers of papers, in published.yaml, and whether they are comparable
terms         names of scores in papers, in terms.yaml
tables        the tables in the form of a paper
figures       scores over kimg, as SVG
pictures      samples, small enough for a page
neighbours    the experiment of a cell, and its differences from its neighbours
gallery       samples as a table
provenance    protocols, versions, devices, data, commands
overview      the table of all cells
remarks       remarks on the numbers
spreadsheet, markdown, html  the same in three forms
write         all of them into a folder
"""
