"""The contracts between the engine and its plugins: all that a plugin author must read.

    kind            base class           made with                          file
    normalization   Normalization        (cfg, site)                        normalization.py
                    WeightNormalization  (cfg, shape)
    generator       Generator            (cfg, interface, normalize)        generator.py
    discriminator   Discriminator        (cfg, interface, normalize)        discriminator.py
    regularizer     Regularizer          (cfg)                              regularizer.py
    loss            Loss                 (cfg)                              loss.py
    augmentation    Augmentation         (cfg, interface)                   augmentation.py
    optimizer       Optimizer            (cfg)                              optimizer.py
    latent          Latent               (cfg)                              latent.py
    dataset         Dataset              (cfg, base)                        dataset.py
    metric          Metric               (cfg)                              metric.py
    feature         Feature              (cfg)                              feature.py
    analysis        Analysis             (cfg)                              analysis.py, figure.py
    observer        Observer             (cfg)                              observer.py
    format          Format               (cfg)                              format.py

Every class has a nested `Config(PluginConfig)` with its typed options; `cfg` is an instance of it.
"""

from gancore.contracts.analysis import Analysis as Analysis
from gancore.contracts.analysis import Edit as Edit
from gancore.contracts.analysis import Layer as Layer
from gancore.contracts.analysis import Result as Result
from gancore.contracts.analysis import Snapshot as Snapshot
from gancore.contracts.analysis import Subject as Subject
from gancore.contracts.augmentation import Augmentation as Augmentation
from gancore.contracts.dataset import Dataset as Dataset
from gancore.contracts.dataset import Item as Item
from gancore.contracts.dataset import PassedOver as PassedOver
from gancore.contracts.discriminator import Discriminator as Discriminator
from gancore.contracts.discriminator import Logits as Logits
from gancore.contracts.discriminator import Outputs as Outputs
from gancore.contracts.feature import Feature as Feature
from gancore.contracts.figure import Bars as Bars
from gancore.contracts.figure import Chart as Chart
from gancore.contracts.figure import ColourScale as ColourScale
from gancore.contracts.figure import Figure as Figure
from gancore.contracts.figure import Film as Film
from gancore.contracts.figure import Grid as Grid
from gancore.contracts.figure import HeatMap as HeatMap
from gancore.contracts.figure import Histogram as Histogram
from gancore.contracts.figure import Line as Line
from gancore.contracts.figure import Picture as Picture
from gancore.contracts.format import Format as Format
from gancore.contracts.generator import Generator as Generator
from gancore.contracts.generator import Mapping as Mapping
from gancore.contracts.generator import Normalize as Normalize
from gancore.contracts.generator import Synthesis as Synthesis
from gancore.contracts.latent import Latent as Latent
from gancore.contracts.loss import Loss as Loss
from gancore.contracts.metric import Measurement as Measurement
from gancore.contracts.metric import Metric as Metric
from gancore.contracts.metric import Moments as Moments
from gancore.contracts.metric import Value as Value
from gancore.contracts.normalization import Normalization as Normalization
from gancore.contracts.normalization import WeightNormalization as WeightNormalization
from gancore.contracts.observer import Ending as Ending
from gancore.contracts.observer import Observer as Observer
from gancore.contracts.observer import RunInfo as RunInfo
from gancore.contracts.optimizer import Optimizer as Optimizer
from gancore.contracts.optimizer import Updates as Updates
from gancore.contracts.part import Context as Context
from gancore.contracts.part import ParamGroup as ParamGroup
from gancore.contracts.part import Part as Part
from gancore.contracts.part import Plugin as Plugin
from gancore.contracts.regularizer import Regularizer as Regularizer
from gancore.contracts.step import Fakes as Fakes
from gancore.contracts.step import Judged as Judged
from gancore.contracts.step import Main as Main
from gancore.contracts.step import Step as Step
from gancore.contracts.types import Draw as Draw
from gancore.contracts.types import Images as Images
from gancore.contracts.types import Interface as Interface
from gancore.contracts.types import Mean as Mean
from gancore.contracts.types import NoiseMode as NoiseMode
from gancore.contracts.types import Pass as Pass
from gancore.contracts.types import Site as Site
from gancore.contracts.types import Stage as Stage
from gancore.options import Later as Later
from gancore.options import Place as Place
from gancore.options import PluginConfig as PluginConfig
from gancore.options import Scheduled as Scheduled
from gancore.options import value_at as value_at
from gancore.options import within as within
