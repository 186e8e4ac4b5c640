"""How a critic is kept Lipschitz: one file a family, one interface, one name each.

``make(name)`` gives a `Constraint` with three hooks, of which it overrides the one it needs: ``prepare(critic)`` for
the architecture, ``penalty(critic, real, fake, rng)`` for the loss, ``project_(critic)`` for the weights after each
step.
"""

import inspect
from typing import Any

from .base import Constraint, NoConstraint
from .clipping import Clip, FrobeniusClip
from .orthonormal import OrthonormalLayers, WeightNormalisation
from .penalties import (
    CoupledSamplesWarning,
    DraganPenalty,
    GradientPenalty,
    OneSidedPenalty,
    R1Penalty,
    SpectralRegularisation,
)
from .spectral import ConvSpectralNormalisation, ProjectedSpectralNormalisation, SpectralNormalisation

_ORDER = (
    NoConstraint,
    Clip,
    FrobeniusClip,
    GradientPenalty,
    OneSidedPenalty,
    R1Penalty,
    DraganPenalty,
    SpectralRegularisation,
    SpectralNormalisation,
    ProjectedSpectralNormalisation,
    ConvSpectralNormalisation,
    WeightNormalisation,
    OrthonormalLayers,
)
_CLASSES = {cls.name: cls for cls in _ORDER}
NAMES = tuple(_CLASSES)

__all__ = [
    "NAMES",
    "Clip",
    "Constraint",
    "ConvSpectralNormalisation",
    "CoupledSamplesWarning",
    "DraganPenalty",
    "FrobeniusClip",
    "GradientPenalty",
    "NoConstraint",
    "OneSidedPenalty",
    "OrthonormalLayers",
    "ProjectedSpectralNormalisation",
    "R1Penalty",
    "SpectralNormalisation",
    "SpectralRegularisation",
    "WeightNormalisation",
    "make",
]


def make(name: str, **options: Any) -> Constraint:
    """Return a constraint by its name, one of `NAMES` in either case, with the options that its class takes.

    Raises
    ------
    ValueError
        If there is no such constraint.
    TypeError
        If it has no such option.
    """
    key = name.lower() if isinstance(name, str) else name
    if key not in NAMES:
        raise ValueError(f"no constraint is called {name!r}; there are {', '.join(NAMES)}")
    known = [] if key == "none" else list(inspect.signature(_CLASSES[key]).parameters)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(f"constraint {name!r} has no option {unknown[0]!r}; it takes {', '.join(known) or 'none'}")
    return _CLASSES[key](**options)
