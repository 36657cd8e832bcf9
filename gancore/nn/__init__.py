"""Numerics that plugins share. This lists what their authors may use; docs/plugins.md explains it.

layers, activation, style, attention, minibatch_std        layers
normalizations, normalized, conditional, statistics, mix     normalizations and the layers that apply them
synthesis, discriminator, mapping, latent       networks to vary
label, sites, options, fade, multiscale         labels, sizes, options, growing, several scales
gradients, frozen, step_mean, processes, precision, recompute
kernels/                                        fast paths; plugins call the functions listed here
families/                                       layers that the two networks of one system share
pretrained                                      optional packages and models of timm
"""

from gancore.nn import processes
from gancore.nn.activation import LINEAR, Activation, ActivationName, GainIn, activation_of, bias_act, leaky
from gancore.nn.attention import SelfAttention
from gancore.nn.conditional import GainAndShift, conditioned
from gancore.nn.discriminator import (
    DiscriminatorBlock,
    DiscriminatorBuilder,
    DiscriminatorConfig,
    LastBlock,
    MinibatchStdConfig,
    ResidualDiscriminatorBlock,
    StyleDiscriminator,
)
from gancore.nn.fade import faded_image, images_in_use, weight_of_newest
from gancore.nn.frozen import Frozen
from gancore.nn.gradients import input_gradients
from gancore.nn.kernels.convolution import conv2d, conv_transpose2d, dense_conv2d
from gancore.nn.kernels.resample import downsample2d, filter2d, setup_filter, upfirdn2d, upsample2d
from gancore.nn.kernels.resampled_conv import (
    Convolve,
    Resampling,
    Sampling,
    downsampling_conv2d,
    same_conv2d,
    upsampling_conv2d,
)
from gancore.nn.label import condition_of, logit_of_class, required_label, with_label, with_label_planes
from gancore.nn.latent import (
    LabelEntry,
    Latent,
    LatentGenerator,
    LatentOptions,
    SharedEmbedding,
    inputs_of,
    label_in,
    label_problems,
)
from gancore.nn.layers import (
    Conv2d,
    LateNormConv2d,
    Linear,
    Weighted,
    attach_weight_normalization,
    register_filter,
)
from gancore.nn.mapping import LabelMappingConfig, MappingConfig, MappingNetwork, normalize_2nd_moment
from gancore.nn.minibatch_std import MinibatchStd
from gancore.nn.mix import Mix
from gancore.nn.multiscale import pyramid
from gancore.nn.normalizations import FusedNormalization, Instance, Pixel, StyledNormalization, Term
from gancore.nn.normalized import scaled, scaled_input
from gancore.nn.options import (
    ChannelsConfig,
    ConvOptions,
    FilterTaps,
    InheritedChannels,
    StyleGeneratorConfig,
    StyleOptions,
)
from gancore.nn.precision import at_least_float32, full_precision
from gancore.nn.sites import FIRST_RESOLUTION, Sites, resolution_problems, resolutions
from gancore.nn.statistics import RunningMoments, instance_norm, inverse_std, pixel_norm
from gancore.nn.step_mean import StepMean
from gancore.nn.style import AffineAroundStart, StyleConv, StyledLayer, ToRGB, style_at_start
from gancore.nn.synthesis import ResidualStyleBlock, StyleBlock, StyleGenerator, StyleSynthesis
from gancore.nn.unstyled import Projection, StatisticLayer, gained

__all__ = [
    "FIRST_RESOLUTION",
    "LINEAR",
    "Activation",
    "ActivationName",
    "AffineAroundStart",
    "ChannelsConfig",
    "Conv2d",
    "ConvOptions",
    "Convolve",
    "DiscriminatorBlock",
    "DiscriminatorBuilder",
    "DiscriminatorConfig",
    "FilterTaps",
    "Frozen",
    "FusedNormalization",
    "GainAndShift",
    "GainIn",
    "InheritedChannels",
    "Instance",
    "LabelEntry",
    "LabelMappingConfig",
    "LastBlock",
    "LateNormConv2d",
    "Latent",
    "LatentGenerator",
    "LatentOptions",
    "Linear",
    "MappingConfig",
    "MappingNetwork",
    "MinibatchStd",
    "MinibatchStdConfig",
    "Mix",
    "Pixel",
    "Projection",
    "Resampling",
    "ResidualDiscriminatorBlock",
    "ResidualStyleBlock",
    "RunningMoments",
    "Sampling",
    "SelfAttention",
    "SharedEmbedding",
    "Sites",
    "StatisticLayer",
    "StepMean",
    "StyleBlock",
    "StyleConv",
    "StyleDiscriminator",
    "StyleGenerator",
    "StyleGeneratorConfig",
    "StyleOptions",
    "StyleSynthesis",
    "StyledLayer",
    "StyledNormalization",
    "Term",
    "ToRGB",
    "Weighted",
    "activation_of",
    "at_least_float32",
    "attach_weight_normalization",
    "bias_act",
    "condition_of",
    "conditioned",
    "conv2d",
    "conv_transpose2d",
    "dense_conv2d",
    "downsample2d",
    "downsampling_conv2d",
    "faded_image",
    "filter2d",
    "full_precision",
    "gained",
    "images_in_use",
    "input_gradients",
    "inputs_of",
    "instance_norm",
    "inverse_std",
    "label_in",
    "label_problems",
    "leaky",
    "logit_of_class",
    "normalize_2nd_moment",
    "pixel_norm",
    "processes",
    "pyramid",
    "register_filter",
    "required_label",
    "resolution_problems",
    "resolutions",
    "same_conv2d",
    "scaled",
    "scaled_input",
    "setup_filter",
    "style_at_start",
    "upfirdn2d",
    "upsample2d",
    "upsampling_conv2d",
    "weight_of_newest",
    "with_label",
    "with_label_planes",
]
