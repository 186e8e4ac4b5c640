"""``update_matrix(J, step_g, step_d, n_critic, alternating)``: the linear part of a round."""

import numpy as np

from ...formulas import explained, swapped, transposed
from ...problem import Case, Cases, Criterion, Problem
from ._dirac import STEPS


def cases(rng: np.random.Generator) -> Cases:
    yield _case("a turn", np.array([[0.0, -1.0], [1.0, 0.0]]), 0.1, 0.1, 1, False, "simultaneous")
    yield _case("unequal rates", rng.normal(size=(2, 2)), 0.1, 0.4, 1, False, "simultaneous")
    yield _case("a turn, alternating", np.array([[0.0, -1.0], [1.0, 0.0]]), 0.1, 0.3, 1, True, "alternating")
    yield _case("unequal rates, alternating", rng.normal(size=(2, 2)), 0.5, 0.2, 1, True, "alternating")
    yield _case("three critic steps", rng.normal(size=(2, 2)), 0.2, 0.3, 3, False, "critic")
    yield _case("large rates", rng.normal(size=(2, 2)), 2.0, 2.5, 2, False, "critic")
    yield _case("a dozen", rng.normal(size=(2, 2)), 0.2, 0.1, 12, False, "critic")
    yield _case("forty, alternating", rng.normal(size=(2, 2)), 1.5, 0.1, 40, True, "critic")
    yield _case("five, alternating", rng.normal(size=(2, 2)), 0.3, 0.2, 5, True, "critic")


def _case(name: str, J, step_g: float, step_d: float, n_critic: int, alternating: bool, criterion: str) -> Case:
    inputs = {"J": J, "step_g": step_g, "step_d": step_d, "n_critic": n_critic, "alternating": alternating}
    return Case(name, inputs, criterion=criterion)


def factors(J: np.ndarray, step_g: float, step_d: float) -> tuple[np.ndarray, np.ndarray]:
    """Generator's step and critic's step, as matrices."""
    return np.eye(2) + np.diag([step_g, 0.0]) @ J, np.eye(2) + np.diag([0.0, step_d]) @ J


def matrix(J, step_g: float, step_d: float, n_critic: int, alternating: bool) -> np.ndarray:
    """G C^n, or C^n + G - I."""
    G, C = factors(J, step_g, step_d)
    power = np.linalg.matrix_power(C, n_critic)
    return G @ power if alternating else power + G - np.eye(2)


def _built(build):
    def formula(J, step_g, step_d, n_critic, alternating):
        G, C = factors(J, step_g, step_d)
        return build(G, C, n_critic, alternating)

    return formula


def _power(C, n):
    return np.linalg.matrix_power(C, n)


def _sum(G, C):
    return C + G - np.eye(2)


def _columns(J, step_g, step_d, n_critic, alternating):
    G, C = np.eye(2) + J @ np.diag([step_g, 0.0]), np.eye(2) + J @ np.diag([0.0, step_d])
    return G @ _power(C, n_critic) if alternating else _sum(G, _power(C, n_critic))


WRONG = (
    ("always-simultaneous", _built(lambda G, C, n, alt: _sum(G, _power(C, n)))),
    ("always-alternating", _built(lambda G, C, n, alt: G @ _power(C, n))),
    ("wrong-order", _built(lambda G, C, n, alt: _power(C, n) @ G if alt else _sum(G, _power(C, n)))),
    ("critic-once", _built(lambda G, C, n, alt: G @ C if alt else _sum(G, C))),
    (
        "n-times-the-rate",
        _built(lambda G, C, n, alt: G @ (np.eye(2) + n * (C - np.eye(2))) if alt else G + n * (C - np.eye(2))),
    ),
    ("whole-round-repeated", _built(lambda G, C, n, alt: _power(G @ C if alt else _sum(G, C), n))),
    (
        "whole-round-repeated",
        _built(lambda G, C, n, alt: _power(G, n) @ _power(C, n) if alt else _sum(_power(G, n), _power(C, n))),
    ),
    ("entrywise-power", _built(lambda G, C, n, alt: G @ C**n if alt else _sum(G, C**n))),
    ("rates-swapped", swapped(matrix, "step_g", "step_d")),
    ("columns", _columns),
    (
        "no-identity",
        _built(
            lambda G, C, n, alt: (
                ((G - np.eye(2)) @ _power(C - np.eye(2), n)) if alt else (G - np.eye(2)) + _power(C - np.eye(2), n)
            )
        ),
    ),
    ("no-identity", _built(lambda G, C, n, alt: (G @ _power(C, n) if alt else _sum(G, _power(C, n))) - np.eye(2))),
    ("identity-twice", _built(lambda G, C, n, alt: G @ _power(C, n) if alt else G + _power(C, n))),
    ("one-rate", lambda J, g, d, n, alt: matrix(J, g, g, n, alt), lambda J, g, d, n, alt: matrix(J, d, d, n, alt)),
    ("transposed", transposed(matrix), lambda J, g, d, n, alt: matrix(J.T, g, d, n, alt)),
    ("diagonal-left-out", lambda J, *rest: matrix(J * [[0, 1], [1, 1]], *rest)),
    ("diagonal-left-out", lambda J, *rest: matrix(J * [[1, 1], [1, 0]], *rest)),
    ("diagonal-left-out", lambda J, *rest: matrix(J * [[0, 1], [1, 0]], *rest)),
    ("players-swapped", _built(lambda G, C, n, alt: C @ _power(G, n) if alt else _sum(C, _power(G, n)))),
)
MESSAGES = """
always-simultaneous: This is the simultaneous round although alternating=True: then the generator's step acts on what
    the critic's steps have left, a *product* of matrices.
always-alternating: This is the alternating round although alternating=False. Simultaneous changes are added, not
    multiplied.
wrong-order: The factors are in the wrong order. The critic's steps come first, so they stand on the *right*: G Cⁿ.
critic-once: n_critic is not used: the critic's step has to be applied that many times.
n-times-the-rate: n steps are not one step of n times the rate: where the critic has a force of its own (the last corner
    of J), each step starts from where the last one ended. Take the matrix power.
whole-round-repeated: The generator's step was repeated as well. In a round it moves once.
entrywise-power: C**n raises each entry to the power n. Use torch.linalg.matrix_power.
rates-swapped: The rates are swapped: step_g belongs to the first row, θ's.
columns: The rates multiply the *columns* of J. The velocity of a player is a row: diag(h_G, h_D) stands on the left.
no-identity: The identity is missing: a step adds h·v to the state, so its matrix is I + h·J.
identity-twice: Cⁿ and G both contain the identity; in their sum it must be taken away once.
one-rate: Both players move with one rate. Two were given.
transposed: The matrix is transposed: it acts on the column (θ, ψ) from the left.
diagonal-left-out: An entry on the diagonal of J, a player's effect on its own velocity, is taken for 0. In some games
    it is; use all of J.
players-swapped: The generator takes n_critic steps here and the critic one: the first row of J is the generator's.
"""
PROBLEM = Problem(
    key="ps09.update_matrix",
    title="The matrix of a round",
    criteria=(
        Criterion("simultaneous", "simultaneous: I + diag(h_G, h_D) J", 1),
        Criterion("alternating", "alternating: the generator's step after the critic's", 1),
        Criterion("critic", "n_critic steps of the critic", 1),
    ),
    cases=cases,
    formula=matrix,
    scales=((1e6, "J"), (1e-6, "J")),
    pure="simultaneous",
    package_functions=STEPS,
    misconceptions=explained(WRONG, MESSAGES),
)
