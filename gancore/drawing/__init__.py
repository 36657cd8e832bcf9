"""Lines, text and images, drawn once and written as SVG and as PNG; scales, and colours that the eye can compare."""

from gancore.drawing.canvas import Canvas as Canvas
from gancore.drawing.canvas import text_width as text_width
from gancore.drawing.colours import GREY as GREY
from gancore.drawing.colours import INK as INK
from gancore.drawing.colours import PALETTE as PALETTE
from gancore.drawing.colours import diverging as diverging
from gancore.drawing.colours import sequential as sequential
from gancore.drawing.scales import Scale as Scale
from gancore.drawing.scales import apart as apart
from gancore.drawing.scales import linear_ticks as linear_ticks
from gancore.drawing.scales import log_ticks as log_ticks
