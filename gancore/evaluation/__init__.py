"""Metrics of trained models and of images, for gancore.evaluate and training."""

from gancore.evaluation.api import evaluate as evaluate
from gancore.evaluation.evaluator import Evaluator as Evaluator
from gancore.evaluation.fakes import Generated as Generated
from gancore.evaluation.reals import Reals as Reals
from gancore.evaluation.score import Score as Score
from gancore.evaluation.targets import label_rows as label_rows
