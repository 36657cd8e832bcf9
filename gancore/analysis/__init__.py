"""Looking inside trained models: what analyses share, which plugins import from here, and what runs and draws them.

maps                  magnitude maps of activations, peaks
painting              from ws to images
projection            from an image to ws and noise
octaves               images by what halving loses
equivariance          images that move with the input
taps, subject         activations by layer name; the subject of an analysis
targets, run, record  from a path to a subject; analyses run, and written
figures               drawing
sanity                two numbers that distinguish one colour and noise from pictures
"""

from gancore.analysis.equivariance import Psnr as Psnr
from gancore.analysis.equivariance import moved_by_fractions as moved_by_fractions
from gancore.analysis.equivariance import pseudo_rotated as pseudo_rotated
from gancore.analysis.equivariance import rotated as rotated
from gancore.analysis.equivariance import rotation as rotation
from gancore.analysis.equivariance import shifted as shifted
from gancore.analysis.maps import consistency as consistency
from gancore.analysis.maps import disc as disc
from gancore.analysis.maps import energy_ratio as energy_ratio
from gancore.analysis.maps import magnitude as magnitude
from gancore.analysis.maps import peak_place as peak_place
from gancore.analysis.maps import peak_ratio as peak_ratio
from gancore.analysis.maps import spot as spot
from gancore.analysis.octaves import detail as detail
from gancore.analysis.octaves import octaves as octaves
from gancore.analysis.painting import mixed as mixed
from gancore.analysis.painting import paint as paint
from gancore.analysis.painting import sampled_ws as sampled_ws
from gancore.analysis.painting import slerp as slerp
from gancore.analysis.painting import slots_by_scale as slots_by_scale
from gancore.analysis.projection import ProjectionOptions as ProjectionOptions
from gancore.analysis.projection import project as project
from gancore.analysis.projection import repainted as repainted
from gancore.analysis.projection import start_of as start_of
from gancore.analysis.taps import tapped as tapped
