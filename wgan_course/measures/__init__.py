"""How good samples, critics and classifiers are, by several measures that fail in different ways: report them together.

`distances` for toy data, `images` in the features of the `classifier`, `critics` for gradient norms, `robustness` for
classifiers under attack.
"""

from .critics import GradientReport, gradient_norms, gradient_report, optimal_pairs, segment_gradients
from .distances import DistanceReport, ModeReport, distance_to_truth, mode_coverage
from .images import frechet_distance, image_report, kernel_distance, precision_recall

__all__ = [
    "DistanceReport",
    "GradientReport",
    "ModeReport",
    "distance_to_truth",
    "frechet_distance",
    "gradient_norms",
    "gradient_report",
    "image_report",
    "kernel_distance",
    "mode_coverage",
    "optimal_pairs",
    "precision_recall",
    "segment_gradients",
]
