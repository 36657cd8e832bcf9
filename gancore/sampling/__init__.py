"""Images of a trained generator: which ones, and how to make and write them.

start.py      sources of images: a seed, several seeds, or latents of a file
making.py     from there to images: labels, truncation, noise
samples.py    `gancore.sample`: from a model's name to a tensor of images
writing.py    grids with legends, folders of pictures, arrays
"""

from gancore.sampling.making import Look as Look
from gancore.sampling.making import Making as Making
from gancore.sampling.samples import Samples as Samples
from gancore.sampling.samples import sample as sample
from gancore.sampling.start import Start as Start
from gancore.sampling.start import of_file as of_file
from gancore.sampling.start import of_seed as of_seed
from gancore.sampling.start import of_seeds as of_seeds
from gancore.sampling.writing import write as write
