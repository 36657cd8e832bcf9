"""The report of a grid, at any moment: data (JSON, CSV) and pages (Markdown, HTML). Imports no torch.

collect       all that is known of the cells, as plain data; everything else is made of it
history       a run's evaluations, and the snapshot its tables report
statistics    Student's t, Welch's test, Holm's correction
arms          cells that differ in their seed alone, and which arms can be told from the best
published     what papers report, in published.yaml, and whether it may stand beside what was measured
tables        the tables as a paper prints them
figures       scores over kimg, as SVG
pictures      samples, small enough to carry
neighbours    what a cell is, and what separates it from the next ones
spreadsheet, markdown, html  the same in three forms
write         all of them into a folder
"""
