"""The linear programme and its dual: two solvers against each other, and the certificates of optimality."""

import math

import ot
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from wgan_course import transport as tr


def programme(seed, n=None, m=None):
    g = torch.Generator().manual_seed(seed)
    n = n or int(torch.randint(1, 13, (), generator=g))
    m = m or int(torch.randint(1, 13, (), generator=g))
    x, y = torch.randn(n, 3, generator=g).double(), torch.randn(m, 3, generator=g).double()
    a, b = torch.rand(n, generator=g).double(), torch.rand(m, generator=g).double()
    if n > 3 and seed % 4 == 0:
        a[0] = 0
    return x, y, a / a.sum(), b / b.sum()


@pytest.mark.parametrize("method", ["emd", "highs"])
def test_200_random_programmes_have_no_gap(method):
    for seed in range(200):
        x, y, a, b = programme(seed)
        cost = tr.cost_matrix(x, y) if seed % 2 else torch.rand(len(x), len(y), dtype=torch.float64)
        answer = tr.solve(cost, a, b, method)
        assert abs(float(tr.duality_gap(answer, a, b))) < 1e-9
        assert float(tr.slackness(answer, cost)) < 1e-9
        assert float(tr.dual_violation(answer.phi, answer.psi, cost)) < 1e-9
        torch.testing.assert_close(answer.coupling.sum(1), a, atol=1e-9, rtol=0)
        torch.testing.assert_close(answer.coupling.sum(0), b, atol=1e-9, rtol=0)
        assert int((answer.coupling > 1e-12).sum()) <= len(x) + len(y) - 1


def test_the_two_solvers_agree():
    for seed in range(30):
        x, y, a, b = programme(seed)
        values = [float(tr.solve(tr.cost_matrix(x, y), a, b, k).value) for k in ("emd", "highs")]
        assert values[0] == pytest.approx(values[1], abs=1e-9)
        assert values[0] == pytest.approx(
            float(ot.emd2(a.numpy(), b.numpy(), ot.dist(x.numpy(), y.numpy(), "euclidean"))), abs=1e-9
        )


def test_equal_sizes_solve_the_assignment_problem():
    x, y, _, _ = programme(5, 9, 9)
    cost = tr.cost_matrix(x, y)
    i, j = linear_sum_assignment(cost.numpy())
    assert float(tr.wasserstein(x, y)) == pytest.approx(float(cost[i, j].mean()), abs=1e-12)


def test_tied_plans_cost_the_same():
    x = torch.tensor([[0.0], [1.0]])
    cost = tr.cost_matrix(x, x + 2)
    assert float(tr.solve(cost).value) == 2
    assert float((torch.eye(2) / 2 * cost).sum()) == float((torch.eye(2).flip(0) / 2 * cost).sum()) == 2


@pytest.mark.parametrize("d", [1, 2, 4])
def test_wasserstein_gradient_by_finite_differences(d):
    g = torch.Generator().manual_seed(d)
    x, y = (
        torch.randn(4, d, generator=g).double().requires_grad_(),
        torch.randn(6, d, generator=g).double().requires_grad_(),
    )
    assert torch.autograd.gradcheck(tr.wasserstein, (x, y))


def test_wasserstein_on_the_line_is_the_programme():
    x, y, a, b = programme(7, 6, 8)
    line = tr.solve(tr.cost_matrix(x[:, :1], y[:, :1]), a, b).value
    torch.testing.assert_close(tr.wasserstein(x[:, :1], y[:, :1], a, b), line)


def test_gradient_in_the_cost_is_the_coupling():
    x, y, a, b = programme(8, 4, 5)
    cost = tr.cost_matrix(x, y).requires_grad_()
    answer = tr.solve(cost, a, b)
    answer.value.backward()
    torch.testing.assert_close(cost.grad, answer.coupling)


def test_type_follows_the_cost():
    answer = tr.solve(torch.rand(3, 4))
    assert {answer.coupling.dtype, answer.value.dtype, answer.phi.dtype, answer.psi.dtype} == {torch.float32}


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
def test_cost_matrix_is_the_norm_of_differences(p):
    x, y, _, _ = programme(9, 5, 4)
    torch.testing.assert_close(tr.cost_matrix(x, y, p), (x[:, None] - y).norm(p=p, dim=-1))


def test_gap_of_answers_that_are_not_optimal_is_positive():
    x, y, a, b = programme(10, 5, 6)
    answer = tr.solve(tr.cost_matrix(x, y), a, b)
    worse = tr.TransportSolution(answer.coupling, answer.value, answer.phi - 0.1, answer.psi)
    assert float(tr.duality_gap(worse, a, b)) == pytest.approx(0.1)
    assert float(tr.slackness(worse, tr.cost_matrix(x, y))) > 1e-3


X = torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tr.cost_matrix(X[0], X), ValueError, "shape"),
        (lambda: tr.cost_matrix(X, torch.zeros(2, 4)), ValueError, "same dimension"),
        (lambda: tr.cost_matrix(X, X * math.nan), ValueError, "NaN"),
        (lambda: tr.cost_matrix(X, X, 0.5), ValueError, "at least 1"),
        (lambda: tr.cost_matrix(X.long(), X), TypeError, "floating"),
        (lambda: tr.wasserstein(X[:0], X), ValueError, "empty"),
        (lambda: tr.wasserstein(X, X, torch.tensor([0.5, 0.7])), ValueError, "x_weights must sum"),
        (lambda: tr.solve(torch.zeros(3)), ValueError, "matrix"),
        (lambda: tr.solve(torch.zeros(2, 2), method="simplex"), ValueError, "method"),
        (lambda: tr.solve(torch.zeros(2, 2), torch.tensor([0.5, 0.4])), ValueError, "sum to 1"),
        (lambda: tr.solve(torch.zeros(2, 2), torch.tensor([-0.5, 1.5])), ValueError, "non-negative"),
        (lambda: tr.solve(torch.zeros(2, 2), b=torch.tensor([1.0])), ValueError, "each of the 2"),
        (lambda: tr.solve(torch.zeros(2, 2), torch.full((1, 2), 0.5)), ValueError, "vector"),
        (lambda: tr.slackness(tr.solve(torch.zeros(2, 2)), X), ValueError, "cost must"),
        (lambda: tr.dual_violation(torch.zeros(2), torch.zeros(2), X), ValueError, "shapes"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
