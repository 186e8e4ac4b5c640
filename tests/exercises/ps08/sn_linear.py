"""Versions of ``sn_linear`` that students write."""

import torch
from torch import nn
from torch.nn.functional import linear, normalize
from torch.nn.utils import parametrize

from ..registry import Trials


class Layer(nn.Module):
    """The layer of the model solution."""

    def __init__(self, weight, bias, u):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.register_buffer("u", u)

    def forward(self, x):
        with torch.no_grad():
            v = normalize(self.weight.T @ self.u, dim=0)
            if self.training:
                self.u = normalize(self.weight @ v, dim=0)
        return linear(x, self.weight / torch.dot(self.u, self.weight @ v), self.bias)


class WithLinear(nn.Module):
    """Around PyTorch's own layer, with a copy of u in the graph."""

    def __init__(self, weight, bias, u):
        super().__init__()
        self.inner = nn.Linear(weight.shape[1], weight.shape[0]).double()
        self.inner.load_state_dict({"weight": weight, "bias": bias})
        self.register_buffer("u_left", u)

    def forward(self, x):
        W = self.inner.weight
        v = normalize(W.detach().T @ self.u_left, dim=0)
        if self.training:
            self.u_left.copy_(normalize(W.detach() @ v, dim=0))
        sigma = self.u_left.clone() @ W @ v
        return x @ W.T / sigma + self.inner.bias


class Normalise(nn.Module):
    """A parametrisation of one's own."""

    def __init__(self, u):
        super().__init__()
        self.register_buffer("u", u)

    def forward(self, W):
        M = W.detach()
        v = M.T @ self.u
        v = v / v.norm()
        if self.training:
            self.u = M @ v / (M @ v).norm()
        return W / (W * torch.outer(self.u, v)).sum()


def by_parametrisation(weight, bias, u, unsafe=True):
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    parametrize.register_parametrization(layer, "weight", Normalise(u), unsafe=unsafe)
    return layer


class Quotient(torch.autograd.Function):
    """The division with the gradient by hand."""

    @staticmethod
    def forward(ctx, W, u, v):
        sigma = u @ W @ v
        ctx.save_for_backward(W, u, v)
        return W / sigma

    @staticmethod
    def backward(ctx, G):
        W, u, v = ctx.saved_tensors
        sigma = u @ W @ v
        return (G - (G * W).sum() / sigma * torch.outer(u, v)) / sigma, None, None


class ByHand(Layer):
    def forward(self, x):
        v = normalize(self.weight.detach().T @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight.detach() @ v, dim=0)
        return linear(x, Quotient.apply(self.weight, self.u, v), self.bias)


class ByLength(nn.Module):
    """Keeps u as a column; σ̂ as a length."""

    def __init__(self, weight, bias, u):
        super().__init__()
        self.b, self.w = nn.Parameter(bias), nn.Parameter(weight)
        self.register_buffer("u", u[:, None].clone())

    def forward(self, x):
        v = self.w.detach().T @ self.u
        v = v / v.norm()
        image = self.w @ v
        if self.training:
            self.u = (image / image.norm()).detach()
            sigma = image.norm()
        else:
            sigma = (self.u * image).sum()
        return x @ (self.w / sigma).T + self.b


def variant(forward=None, keep="buffer", base=Layer):
    class Variant(base):
        def __init__(self, weight, bias, u):
            super().__init__(weight, bias, u)
            if keep != "buffer":
                del self._buffers["u"]
                self.u = nn.Parameter(u) if keep == "parameter" else u

    if forward:
        Variant.forward = forward
    return Variant


def never_moves(self, x):
    v = normalize(self.weight.T @ self.u, dim=0).detach()
    return linear(x, self.weight / (self.u @ self.weight @ v), self.bias)


def forgets(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        u = normalize(self.weight @ v, dim=0) if self.training else self.u
    return linear(x, self.weight / (u @ self.weight @ v), self.bias)


def restless(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        self.u = normalize(self.weight @ v, dim=0)
    return linear(x, self.weight / (self.u @ self.weight @ v), self.bias)


def plain_eval(self, x):
    return Layer.forward(self, x) if self.training else linear(x, self.weight, self.bias)


def sigma_outside(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight @ v, dim=0)
        sigma = self.u @ self.weight @ v
    return linear(x, self.weight / sigma, self.bias)


def outside_in_evaluation(self, x):
    return Layer.forward(self, x) if self.training else sigma_outside(self, x)


def outside_in_training(self, x):
    return sigma_outside(self, x) if self.training else Layer.forward(self, x)


def switches_on(self, x):
    y = Layer.forward(self, x)
    torch.set_grad_enabled(True)
    return y


def cached(self, x):
    """In evaluation mode the weight of the last training call, whatever an optimiser has done since."""
    if self.training:
        y = Layer.forward(self, x)
        with torch.no_grad():
            v = normalize(self.weight.T @ self.u, dim=0)
            self.kept = self.weight / (self.u @ self.weight @ v)
        return y
    return linear(x, self.kept, self.bias) if hasattr(self, "kept") else Layer.forward(self, x)


def only_above_one(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight @ v, dim=0)
    return linear(x, self.weight / (self.u @ self.weight @ v).clamp_min(1), self.bias)


def through(self, x):
    v = normalize(self.weight.T @ self.u, dim=0)
    u = normalize(self.weight @ v, dim=0) if self.training else self.u
    self.u = u.detach()
    return linear(x, self.weight / (u @ self.weight @ v), self.bias)


def copies_in_place(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u.copy_(normalize(self.weight @ v, dim=0))
    return linear(x, self.weight / (self.u @ self.weight @ v), self.bias)


def behind_the_graph(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u.data.copy_(normalize(self.weight @ v, dim=0))
    return linear(x, self.weight / (self.u @ self.weight @ v), self.bias)


def overwrites(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight @ v, dim=0)
        self.weight.data = self.weight.data / (self.u @ self.weight @ v)
    return linear(x, self.weight, self.bias)


def no_bias(self, x):
    return Layer.forward(self, x) - self.bias


def bias_too(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight @ v, dim=0)
    return linear(x, self.weight, self.bias) / (self.u @ self.weight @ v)


def length_in_evaluation(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight @ v, dim=0)
    return linear(x, self.weight / (self.weight @ v).norm(), self.bias)


def old_sigma(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
    sigma = self.u @ self.weight @ v
    if self.training:
        self.u = normalize(self.weight @ v, dim=0).detach()
    return linear(x, self.weight / sigma, self.bias)


def swapped(self, x):
    with torch.no_grad():
        v = normalize(self.weight @ self.u, dim=0)
        if self.training:
            self.u = normalize(self.weight.T @ v, dim=0)
    return linear(x, self.weight / (self.u @ self.weight @ v), self.bias)


def frozen_parameter(weight, bias, u):
    layer = variant(keep="parameter", forward=through_parameter)(weight, bias, u)
    layer.u.requires_grad_(False)
    return layer


def through_parameter(self, x):
    with torch.no_grad():
        v = normalize(self.weight.T @ self.u, dim=0)
        if self.training:
            self.u.data = normalize(self.weight @ v, dim=0)
        u = self.u.detach().clone()
    return linear(x, self.weight / (u @ self.weight @ v), self.bias)


TRIALS = Trials("ps08.sn_linear")
TRIALS.mutants("a-step-ahead", checked=lambda *a: by_parametrisation(*a, unsafe=False))
TRIALS.mutants("never-moves", never_moves=variant(never_moves))
TRIALS.mutants("moves-in-eval", restless=variant(restless))
TRIALS.mutants("plain-in-eval", plain_eval=variant(plain_eval))
TRIALS.mutants("sigma-outside", sigma_outside=variant(sigma_outside))
TRIALS.mutants(
    "sigma-outside-in-one-mode",
    outside_in_evaluation=variant(outside_in_evaluation),
    outside_in_training=variant(outside_in_training),
)
TRIALS.mutants("left-changed", switches_on=variant(switches_on))
TRIALS.mutants("forgets", forgets=variant(forgets))
TRIALS.mutants("only-above-one", only_above_one=variant(only_above_one))
TRIALS.mutants("stale-weight", cached=variant(cached))
TRIALS.mutants("through-the-vectors", through=variant(through))
TRIALS.mutants("changed-in-place", in_place=variant(copies_in_place), data=variant(behind_the_graph))
TRIALS.mutants("overwrites", overwrites=variant(overwrites))
TRIALS.mutants("no-bias", no_bias=variant(no_bias))
TRIALS.mutants("bias-too", bias_too=variant(bias_too))
TRIALS.mutants("old-sigma", old_sigma=variant(old_sigma))
TRIALS.mutants("length-in-eval", length_in_evaluation=variant(length_in_evaluation))
TRIALS.mutants("not-saved", attribute=variant(keep="attribute"))
TRIALS.mutants("u-is-a-parameter", parameter=frozen_parameter)
TRIALS.mutants("generic:error", swapped=variant(swapped))
TRIALS.mutants("generic:unusable", function=lambda weight, bias, u: weight / torch.linalg.matrix_norm(weight, 2))
TRIALS.alternatives(
    model=Layer,
    with_linear=WithLinear,
    by_parametrisation=by_parametrisation,
    by_hand=ByHand,
    by_length=ByLength,
)


def only_with_gradients(self, x):
    u, v = self.u, normalize(self.weight.detach().T @ self.u, dim=0)
    if self.training:
        u = normalize(self.weight.detach() @ v, dim=0)
        self.u = u if torch.is_grad_enabled() else self.u
    return linear(x, self.weight / (u @ self.weight @ v), self.bias)


TRIALS.mutants("generic:which", only_with_gradients=variant(only_with_gradients))
