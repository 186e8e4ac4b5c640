"""Versions of ``update_matrix`` that students write."""

import numpy as np
import torch

from ..registry import Trials

I = torch.eye(2, dtype=torch.float64)  # noqa: E741


def parts(J, step_g, step_d):
    G, C = I.clone(), I.clone()
    G[0] += step_g * J[0]
    C[1] += step_d * J[1]
    return G, C


def right(J, step_g, step_d, n_critic, alternating):
    G, C = parts(J, step_g, step_d)
    power = torch.linalg.matrix_power(C, n_critic)
    return G @ power if alternating else power + G - I


def by_columns(J, step_g, step_d, n_critic, alternating):
    """Play the round on both unit vectors."""
    columns = []
    for state in I:
        theta, psi = state
        old = psi
        for _ in range(n_critic):
            psi = psi + step_d * (J[1, 0] * theta + J[1, 1] * psi)
        seen = psi if alternating else old
        columns.append(torch.stack([theta + step_g * (J[0, 0] * theta + J[0, 1] * seen), psi]))
    return torch.stack(columns, dim=1)


def by_formula(J, step_g, step_d, n_critic, alternating):
    (a, b), (c, d) = J.tolist()
    q = 1 + step_d * d
    corner = step_d * c * sum(q**k for k in range(n_critic))
    low = [corner, q**n_critic]
    if alternating:
        return [[1 + step_g * a + step_g * b * low[0], step_g * b * low[1]], low]
    return [[1 + step_g * a, step_g * b], low]


def by_numpy(J, step_g, step_d, n_critic, alternating):
    J = J.numpy()
    C = np.eye(2) + np.array([[0], [step_d]]) * J
    G = np.eye(2) + np.array([[step_g], [0]]) * J
    P = np.linalg.matrix_power(C, n_critic)
    return G.dot(P) if alternating else np.vstack([G[0], P[1]])


def by_autograd(J, step_g, step_d, n_critic, alternating):
    def play(x):
        theta, psi = x
        old = psi
        for _ in range(n_critic):
            psi = psi + step_d * (J @ torch.stack([theta, psi]))[1]
        seen = psi if alternating else old
        return torch.stack([theta + step_g * (J @ torch.stack([theta, seen]))[0], psi])

    return torch.autograd.functional.jacobian(play, torch.zeros(2, dtype=torch.float64))


def built(build):
    def wrong(J, step_g, step_d, n_critic, alternating):
        G, C = parts(J, step_g, step_d)
        return build(G, C, n_critic, alternating)

    return wrong


def power(C, n):
    return torch.linalg.matrix_power(C, n)


def columns(J, step_g, step_d, n_critic, alternating):
    M = I + J @ torch.diag(torch.tensor([step_g, 0.0])).double()
    C = power(I + J @ torch.diag(torch.tensor([0.0, step_d])).double(), n_critic)
    return M @ C if alternating else M + C - I


def in_place(J, step_g, step_d, n_critic, alternating):
    result = right(J, step_g, step_d, n_critic, alternating)
    J[0] *= step_g
    return result


TRIALS = Trials("ps09.update_matrix")
TRIALS.mutants("always-simultaneous", sum=lambda J, g, d, n, alt: right(J, g, d, n, False))
TRIALS.mutants("always-alternating", product=lambda J, g, d, n, alt: right(J, g, d, n, True))
TRIALS.mutants("wrong-order", order=built(lambda G, C, n, alt: power(C, n) @ G if alt else power(C, n) + G - I))
TRIALS.mutants("critic-once", once=lambda J, g, d, n, alt: right(J, g, d, 1, alt))
TRIALS.mutants("n-times-the-rate", rate=lambda J, g, d, n, alt: right(J, g, n * d, 1, alt))
TRIALS.mutants("whole-round-repeated", whole=lambda J, g, d, n, alt: power(right(J, g, d, 1, alt), n))
TRIALS.mutants("entrywise-power", entries=built(lambda G, C, n, alt: G @ C**n if alt else C**n + G - I))
TRIALS.mutants("rates-swapped", rates=lambda J, g, d, n, alt: right(J, d, g, n, alt))
TRIALS.mutants("columns", columns=columns)
TRIALS.mutants(
    "no-identity",
    none=built(lambda G, C, n, alt: (G - I) @ power(C - I, n) if alt else G - I + power(C - I, n)),
    taken_away=lambda *v: right(*v) - I,
)
TRIALS.mutants("identity-twice", twice=built(lambda G, C, n, alt: G @ power(C, n) if alt else G + power(C, n)))
TRIALS.mutants("one-rate", one=lambda J, g, d, n, alt: right(J, g, g, n, alt))
TRIALS.mutants("transposed", transposed=lambda *v: right(*v).T)
TRIALS.mutants("players-swapped", players=built(lambda G, C, n, alt: C @ power(G, n) if alt else C + power(G, n) - I))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right, by_columns=by_columns, by_formula=by_formula, by_numpy=by_numpy, by_autograd=by_autograd
)
TRIALS.mutants("generic:which", five=lambda J, g, d, n, alternating: right(J, g, d, min(n, 5), alternating))


def of_a_game_at_rest(J, step_g, step_d, n_critic, alternating):
    G, C = parts(torch.stack([J[0] * torch.tensor([0.0, 1.0]), J[1]]), step_g, step_d)
    C = torch.linalg.matrix_power(C, n_critic)
    return G @ C if alternating else G + C - torch.eye(2, dtype=J.dtype)


TRIALS.mutants("diagonal-left-out", of_a_game_at_rest=of_a_game_at_rest)
