"""A page to play with trained models: `gancore explore`.

look         the state of the controls: which picture of a model
explored     a model, what it offers, and from a look to pictures
projecting   an uploaded image, and its projection step by step
page         the controls and pictures as a page (gradio)
serve        the page's server
"""

from gancore.explore.explored import Explored as Explored
from gancore.explore.look import Look as Look
from gancore.explore.look import StyleEdit as StyleEdit
