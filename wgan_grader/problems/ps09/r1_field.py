"""``r1_field(theta, psi, weight)``: the field of R1 on the log loss."""

import numpy as np

from ...formulas import Detected, explained, flipped
from ...problem import Case, Cases, Criterion, Problem
from ._dirac import GAME, pair, slope

NAMES = {"outputs": ["theta", "psi"]}


def cases(rng: np.random.Generator) -> Cases:
    yield _case("one state", np.array([0.5]), np.array([1.0]), 0.0, "game")
    yield _case("five states", rng.normal(size=5), rng.normal(size=5), 0.0, "game")
    yield _case("forty states", rng.normal(size=40), rng.normal(size=40), 0.0, "game")
    yield _case("1300 states", rng.normal(size=1300), rng.normal(size=1300), 4e3, "penalty")
    yield _case("a light penalty", rng.normal(size=2), np.array([-120.0, 90.0]), rng.uniform(1e-3, 9e-3), "penalty")
    yield _case("one state, weight 2", np.array([0.5]), np.array([-1.5]), 2.0, "penalty")
    yield _case("six states, weight 0.7", 2 * rng.normal(size=6), 2 * rng.normal(size=6), 0.7, "penalty")
    yield _case("zeros", np.array([0.0, 1.5, 0.0]), np.array([2.0, 0.0, 0.0]), 0.7, "penalty")
    apart = np.array([300.0, -500.0, 1e-3, -2e-3])
    yield _case("large against small", apart, apart[::-1].copy(), 0.3, "penalty")
    one_small = np.array([1e3, -1e3, 0.025, 0.04]), np.array([0.025, -0.04, 1e3, -1e3])
    yield _case("products of tens", *one_small, 0.3, "extreme")
    huge = rng.uniform(40, 60, size=4) * np.array([1, 1, -1, -1])
    yield _case("large products", huge, rng.uniform(40, 60, size=4) * np.array([1, -1, 1, -1]), 0.3, "extreme")


def _case(name: str, theta: np.ndarray, psi: np.ndarray, weight: float, criterion: str) -> Case:
    return Case(name, {"theta": theta, "psi": psi, "weight": weight}, NAMES, criterion=criterion)


def field(theta: np.ndarray, psi: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """(-psi l'(p), theta l'(p) - weight psi) with p = psi theta."""
    s = slope(psi * theta)
    return -psi * s, theta * s - weight * psi


def _with(theta_part, psi_part):
    return pair(lambda t, p, w: (theta_part(t, p, w), psi_part(t, p, w)))


def _penalised_by(force):
    return pair(lambda t, p, w: (-p * slope(p * t), t * slope(p * t) + force(t, p, w)))


def _theta(t, p, w):
    return -p * slope(p * t)


def _psi(t, p, w):
    return t * slope(p * t) - w * p


def _bump(t):
    return slope(t) * (1 - slope(t))


WRONG = (
    ("generator-climbs", _with(lambda t, p, w: p * slope(p * t), _psi)),
    ("critic-descends", _with(_theta, lambda t, p, w: -t * slope(p * t) - w * p)),
    ("critic-descends", _with(_theta, lambda t, p, w: -t * slope(p * t) + w * p)),
    ("other-convention", _with(lambda t, p, w: p * slope(-p * t), lambda t, p, w: -t * slope(-p * t) - w * p)),
    ("other-convention", _with(lambda t, p, w: p * slope(p * t), lambda t, p, w: -t * slope(p * t) - w * p)),
    ("derivative", pair(lambda t, p, w: (-p * slope(-p * t), t * slope(-p * t) - w * p))),
    ("derivative", pair(lambda t, p, w: (p * slope(-p * t), -t * slope(-p * t) + w * p))),
    ("no-derivative", pair(lambda t, p, w: (-p, t - w * p))),
    ("non-saturating", _with(lambda t, p, w: -p * slope(-p * t), _psi)),
    ("critic-derivative", _with(_theta, lambda t, p, w: t * slope(-p * t) - w * p)),
    ("second-derivative", pair(lambda t, p, w: (-p * _bump(p * t), t * _bump(p * t) - w * p))),
    ("linearised", pair(lambda t, p, w: (-p / 2, t / 2 - w * p))),
    ("value-not-force", pair(lambda t, p, w: (p * np.logaddexp(0, -p * t), -t * np.logaddexp(0, -p * t) - w * p))),
    ("penalty-sign", _penalised_by(lambda t, p, w: w * p)),
    ("penalty-factor", _penalised_by(lambda t, p, w: -2 * w * p), _penalised_by(lambda t, p, w: -w * p / 2)),
    ("penalty-value", _penalised_by(lambda t, p, w: -w * p**2 / 2), _penalised_by(lambda t, p, w: -w * p**2)),
    ("penalty-shape", _penalised_by(lambda t, p, w: -w * np.abs(p)), _penalised_by(lambda t, p, w: -w * np.sign(p))),
    ("penalty-on-generator", _with(lambda t, p, w: _theta(t, p, w) - w * t, _psi)),
    ("penalty-on-generator", _with(lambda t, p, w: _theta(t, p, w) - w * p, lambda t, p, w: t * slope(p * t))),
    ("penalty-on-generator", _with(lambda t, p, w: _theta(t, p, w) - w * t, lambda t, p, w: t * slope(p * t))),
    ("penalty-on-generator", _penalised_by(lambda t, p, w: -w * t)),
    ("one-product", pair(lambda t, p, w: (-p * slope(np.dot(p, t)), t * slope(np.dot(p, t)) - w * p))),
    ("no-penalty", _penalised_by(lambda t, p, w: 0 * p)),
    ("order", pair(flipped(field))),
    ("batch", pair(lambda t, p, w: tuple(v.sum() for v in field(t, p, w)))),
    ("batch", pair(lambda t, p, w: tuple(v.mean() for v in field(t, p, w)))),
    ("batch", pair(lambda t, p, w: tuple(v / v.size for v in field(t, p, w)))),
    ("overflow", Detected(lambda case, seen, expected: any(np.isnan(a).any() for a in seen.outputs.values()))),
)
MESSAGES = """
generator-climbs: The generator's sign is the wrong way round: θ *descends* L = ℓ(ψθ), so θ moves along -ψ ℓ'(ψθ).
critic-descends: The discriminator's sign is the wrong way round: ψ *climbs* ℓ(ψθ). In this convention it is large on
    fakes.
other-convention: This is the game with the discriminator large on *real* points. Here it is large on fakes: the game is
    ℓ(ψθ).
derivative: The derivative of ℓ(t) = -log(1 + exp(-t)) is 1/(1 + exp(t)), which *falls* from 1 to 0. You have 1/(1 +
    exp(-t)).
no-derivative: The factor ℓ'(ψθ) is missing: this is the Wasserstein game.
non-saturating: The generator has the non-saturating field, -ψ ℓ'(-ψθ). In this game both players have ℓ'(ψθ).
critic-derivative: ψ's velocity has ℓ'(-ψθ). In this game both players have ℓ'(ψθ).
second-derivative: The factor is ℓ'(1 - ℓ'), the size of the *second* derivative. Both players have ℓ'(ψθ).
linearised: This is the field linearised at (0, 0), where ℓ' = ½. Elsewhere the factor is ℓ'(ψθ).
value-not-force: ℓ(ψθ) itself stands where its derivative belongs.
penalty-sign: The penalty *pushes* ψ away from 0. ψ climbs the game minus γψ²/2, so its force is -γψ.
penalty-factor: The penalty is γψ²/2: its force is -γψ, no factor 2 and no ½.
penalty-value: The penalty γψ²/2 itself (or γψ²) was subtracted. A field has its *gradient*, γψ.
penalty-shape: The penalty's force is constant in size, or loses its sign where ψ is negative. That of γψ²/2 is -γψ.
penalty-on-generator: The penalty's force stands in θ's velocity, or is made of θ. The penalty belongs to the
    discriminator alone: its force is -γψ, in ψ's velocity.
one-product: All states share one number ψθ, the sum of all products (a dot product, @). Each state is a game of its
    own: multiply entry by entry, ψ * θ.
no-penalty: The penalty is missing: it adds −γψ to the critic's velocity.
order: Both are right, but they come back as (ψ, θ). Return θ's first.
batch: The states of a batch do not belong to one game: return one pair of velocities for each, no sum, no mean.
overflow: exp overflows, and inf/inf is NaN. Write ℓ' so that the exponential only gets small: torch.sigmoid(-t) does.
"""
PROBLEM = Problem(
    key="ps09.r1_field",
    title="The field of R1",
    criteria=(
        Criterion("game", "without penalty: (-ψ ℓ'(ψθ), θ ℓ'(ψθ))", 1),
        Criterion("penalty", "the penalty's force on ψ is -γψ", 0.5),
        Criterion("extreme", "products ψθ of thousands, without NaN", 0.5),
    ),
    cases=cases,
    formula=pair(field),
    pure="game",
    package_functions=GAME,
    misconceptions=explained(WRONG, MESSAGES),
)
