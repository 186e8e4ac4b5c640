"""Plotting helpers: data and an ``ax`` go in, the same ``ax`` comes out, and nothing is ever shown.

Every series differs from the others in three ways at once, in colour, dash and marker, so that a figure still reads in
greyscale, with any kind of colour vision, and on either page theme (figures keep their own white ground). The six
colours are at least three times darker than white, which is what the accessibility guidelines ask of a line.
"""

from .lines import curve, curve_with_interval, curves, infinity_band, interval_over_seeds, points_on_line
from .pictures import frames, image_grid, to_png
from .planes import SURFACE_COLOURS, arrows, evaluate, mesh, point_cloud, value_surface
from .plans import HEAT_COLOURS, plan_heat_map, plan_lines
from .strokes import STROKES, Stroke, as_array, stroke, style, use_style

__all__ = [
    "HEAT_COLOURS",
    "STROKES",
    "SURFACE_COLOURS",
    "Stroke",
    "arrows",
    "as_array",
    "curve",
    "curve_with_interval",
    "curves",
    "evaluate",
    "frames",
    "image_grid",
    "infinity_band",
    "interval_over_seeds",
    "mesh",
    "plan_heat_map",
    "plan_lines",
    "point_cloud",
    "points_on_line",
    "stroke",
    "style",
    "to_png",
    "use_style",
    "value_surface",
]
