"""What a penalty looks at, once and by name; how many functions it takes; what is said of critics it cannot serve."""

import functools
import sys
import warnings

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from wgan_course import constraints
from wgan_course.models import mlp


def batches(*shape):
    return [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]


def rng():
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("name", constraints.NAMES)
def test_names_mean_the_same_in_either_case(name):
    assert type(constraints.make(name.upper())) is type(constraints.make(name))


@pytest.mark.parametrize("name", ["", "gp ", "wgan", None, 1])
def test_other_names_are_refused_with_the_list(name):
    with pytest.raises(ValueError, match="spectral_regularisation"):
        constraints.make(name)


def functions_until_the_gradient(call):
    """Names of the library's functions that are entered before autograd.grad is."""
    entered = []

    def profile(frame, event, _):
        name, file = frame.f_code.co_name, frame.f_code.co_filename.replace("\\", "/")
        if event == "call" and "wgan_course/constraints" in file and not name.startswith("<"):
            entered.append(name)
        elif event == "call" and name == "grad" and "autograd" in file:
            sys.setprofile(None)

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return entered


@pytest.mark.parametrize("name", ["gp", "lp", "r1", "dragan"])
def test_a_penalty_takes_at_most_six_functions_to_the_gradient(name):
    constraint, critic = constraints.make(name), mlp.Critic(3, (4,), rng=rng())
    entered = functions_until_the_gradient(lambda: constraint.penalty(critic, *batches(4, 3), rng()))
    assert entered[0] == "penalty"
    assert "_scored_gradient" in entered
    assert len(set(entered)) <= 6


# -- critics that cannot be differentiated twice ------------------------------------------------------


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, x):
        return (self.encoder(x) ** 2 * x).mean((1, 2))


@pytest.mark.parametrize("name", ["gp", "lp", "r1", "dragan"])
def test_fused_attention_is_refused_with_the_cure_and_the_cure_works(name):
    constraint, critic = constraints.make(name), Attending()
    with pytest.raises(RuntimeError, match=r"sdpa_kernel.*MATH"):
        constraint.penalty(critic, *batches(4, 5, 8), rng())
    with sdpa_kernel(SDPBackend.MATH):
        constraint.penalty(critic, *batches(4, 5, 8), rng()).backward()
    assert critic.encoder.self_attn.in_proj_weight.grad.isfinite().all()


def test_the_gradient_alone_is_refused_only_where_it_is_differentiated_again():
    critic, x = Attending(), batches(4, 5, 8)[0]
    assert constraints.penalties.input_gradient(critic, x, create_graph=False).isfinite().all()
    with pytest.raises(RuntimeError, match="sdpa_kernel"):
        constraints.penalties.input_gradient(critic, x)


def test_spectral_normalisation_of_attention_advises_a_penalty_that_works():
    with pytest.raises(ValueError, match=r"gradient penalty.*sdpa_kernel"):
        constraints.make("sn").prepare(Attending())


# -- coupling, for critics that are functions ---------------------------------------------------------


def coupled(x, shift=1.0):
    return (x - shift * x.mean(0)).square().sum(1)


class Owner:
    def alone(self, x):
        return x.square().sum(1)

    def coupled(self, x):
        return coupled(x)


class Slotted:
    __slots__ = ()

    def __call__(self, x):
        return coupled(x)


OWNER = Owner()
SECOND = {
    "function": coupled,
    "lambda": lambda x: coupled(x) + 1,
    "partial": functools.partial(coupled, shift=0.5),
    "another method": OWNER.coupled,
    "without weak references": Slotted(),
}


@pytest.mark.parametrize("kind", SECOND)
def test_a_second_critic_that_couples_is_told_under_the_same_constraint(kind):
    constraint = constraints.make("r1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        constraint.penalty(OWNER.alone, *batches(4, 3))
        constraint.penalty(lambda x: x.square().sum(1), *batches(4, 3))
    with pytest.warns(constraints.CoupledSamplesWarning):
        constraint.penalty(SECOND[kind], *batches(4, 3))
