"""Looking inside trained models: what analyses share, which plugins import from here, and what runs and draws them.

maps                  magnitude maps of activations, peaks
samples               a subject's samples in batches; a number with its spread over them
painting              from ws to images
noise                 stored noise, draws without some of it
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
from gancore.analysis.noise import Muted as Muted
from gancore.analysis.noise import noise_maps as noise_maps
from gancore.analysis.octaves import detail as detail
from gancore.analysis.octaves import octaves as octaves
from gancore.analysis.painting import mixed as mixed
from gancore.analysis.painting import paint as paint
from gancore.analysis.painting import paint_with as paint_with
from gancore.analysis.painting import slerp as slerp
from gancore.analysis.painting import slots_by_scale as slots_by_scale
from gancore.analysis.projection import Projected as Projected
from gancore.analysis.projection import ProjectionOptions as ProjectionOptions
from gancore.analysis.projection import TargetsOptions as TargetsOptions
from gancore.analysis.projection import project as project
from gancore.analysis.projection import recover as recover
from gancore.analysis.projection import repainted as repainted
from gancore.analysis.projection import start_of as start_of
from gancore.analysis.samples import averaged as averaged
from gancore.analysis.samples import batches as batches
from gancore.analysis.samples import sampled_ws as sampled_ws
from gancore.analysis.samples import ws_of as ws_of
from gancore.analysis.taps import tapped as tapped
