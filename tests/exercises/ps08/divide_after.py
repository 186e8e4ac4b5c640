"""Versions of ``divide_after`` that students write."""

import torch
from torch.nn.functional import normalize

from ..registry import Trials


def step(W, u):
    v = normalize(W.T @ u, dim=0)
    u = normalize(W @ v, dim=0)
    return u @ W @ v, u, v


@torch.no_grad()
def right(W, u):
    sigma, u, _v = step(W, u)
    W.div_(sigma)
    return u


def by_data(W, u):
    sigma, u, _v = step(W.data, u)
    W.data /= sigma
    return u


def by_copy(W, u):
    with torch.no_grad():
        sigma, u, _v = step(W.detach().clone(), u)
        W.copy_(W / sigma)
    return u


def by_rows(W, u):
    with torch.no_grad():
        v = u @ W
        v /= v.norm()
        image = W @ v
        for i in range(len(W)):
            W[i] /= image.norm()
    return image / image.norm()


def by_new_data(W, u):
    sigma, u, _v = step(W.detach(), u)
    W.data = W.data / sigma
    return u


def by_mul(W, u):
    M = W.detach()
    sigma, u, _v = step(M, u)
    M.mul_(1 / sigma)
    return u


def graph(W, u):
    v = W.T @ u / (W.T @ u).norm()
    u = W @ v / (W @ v).norm()
    W.data /= (u @ W @ v).item()
    return u


def changing(rule, back=lambda W, u: step(W, u)[1]):
    @torch.no_grad()
    def function(W, u):
        result = back(W, u)
        W.copy_(rule(W, u))
        return result

    return function


def new_tensor(W, u):
    sigma, new, _v = step(W, u)
    W = W / sigma
    return new.detach()


def returns_new(W, u):
    return (W / step(W, u)[0]).detach()


def swapped(W, u):
    v = normalize(W @ u, dim=0)
    u = normalize(W.T @ v, dim=0)
    return u @ W @ v, u


def cut(W, u):
    U, s, Vh = torch.linalg.svd(W, full_matrices=False)
    return U @ torch.diag(s.clamp(max=1)) @ Vh


def square_only(function):
    return lambda W, u: function(W, u) if len(W) == W.shape[1] else right(W, u)


def with_gradient(W, u):
    """Leaves a gradient in the parameter, which the caller's backward adds to."""
    (u @ W).sum().backward()
    return right(W, u)


TRIALS = Trials("ps08.divide_after")
TRIALS.mutants("not-in-place", new_tensor=new_tensor, returns_new=returns_new)
TRIALS.mutants(
    "returns-the-weight",
    weight=changing(lambda W, u: W / step(W, u)[0], back=lambda W, u: W / step(W, u)[0]),
    sigma=changing(lambda W, u: W / step(W, u)[0], back=lambda W, u: step(W, u)[0]),
    v=changing(lambda W, u: W / step(W, u)[0], back=lambda W, u: step(W, u)[2]),
)
TRIALS.mutants("u-changed", u_changed=lambda W, u: u.copy_(right(W, u)))
TRIALS.mutants("frozen", frozen=lambda W, u: right(W.requires_grad_(False), u))
TRIALS.mutants("graph", graph=graph)
TRIALS.mutants("old-u", old_u=changing(lambda W, u: W / step(W, u)[0], back=lambda W, u: u.clone()))
TRIALS.mutants("only-above-one", only_above=changing(lambda W, u: W / step(W, u)[0].clamp(min=1)))
TRIALS.mutants("cut", cut=changing(cut))
TRIALS.mutants("exact", exact=changing(lambda W, u: W / torch.linalg.matrix_norm(W, 2)))
TRIALS.mutants("frobenius", frobenius=changing(lambda W, u: W / W.norm()))
TRIALS.mutants("old-sigma", old_sigma=changing(lambda W, u: W / (W.T @ u).norm()))
TRIALS.mutants(
    "swapped-roles",
    swapped=square_only(changing(lambda W, u: W / swapped(W, u)[0], back=lambda W, u: swapped(W, u)[1])),
)
TRIALS.mutants("multiplied", multiplied=changing(lambda W, u: W * step(W, u)[0]))
TRIALS.mutants(
    "after-the-division", again=changing(lambda W, u: W / step(W, u)[0], back=lambda W, u: step(W, step(W, u)[1])[1])
)
TRIALS.mutants("generic:error", with_grad=lambda W, u: (W.div_(step(W, u)[0]), step(W, u)[1])[1])
TRIALS.mutants("generic:unusable", nothing=lambda W, u: None if right(W, u) is not None else 0)
TRIALS.mutants("left-changed", with_gradient=with_gradient)
TRIALS.alternatives(
    right=right, by_data=by_data, by_copy=by_copy, by_rows=by_rows, by_mul=by_mul, by_new_data=by_new_data
)


def clears(W, u):
    new = right(W, u)
    W.grad = None
    return new


def divides_the_gradient(W, u):
    sigma, new, _v = step(W.detach(), u)
    with torch.no_grad():
        W.div_(sigma)
        if W.grad is not None:
            W.grad.div_(sigma)
    return new


TRIALS.mutants("left-changed", clears=clears, divides_the_gradient=divides_the_gradient)


def by_a_long_v(W, u):
    with torch.no_grad():
        v = W.T @ u
        sigma, u = v.norm(), normalize(W @ v, dim=0)
        W.div_(sigma)
    return u


TRIALS.mutants("old-sigma", by_a_long_v=by_a_long_v)
