"""The page's own training is the package's: the same losses, gradients and weights, to 1e-5, as node finds them."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from wgan_course import constraints, transport
from wgan_course.constraints import penalties
from wgan_course.data import toy
from wgan_course.models.layers import LeakyReLU
from wgan_course.models.mlp import Critic, Generator

BATCH, HIDDEN, WEIGHT = 32, 16, 10.0


def rng(number):
    return torch.Generator().manual_seed(number)


def plain(value):
    return value.detach().tolist() if isinstance(value, torch.Tensor) else value


def linear_layers(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def told(network):
    """Weights as the test in JavaScript reads them."""
    return [{"weight": plain(layer.weight), "bias": plain(layer.bias)} for layer in linear_layers(network)]


def critic(seed=1):
    made = Critic(2, (HIDDEN, HIDDEN), rng=rng(seed), dtype=torch.float64)
    for layer in linear_layers(made):  # biases that matter
        nn.init.normal_(layer.bias, generator=rng(seed + 1))
    return made


def generator():
    return Generator(2, 2, (HIDDEN, HIDDEN), rng=rng(7), dtype=torch.float64)


def batches():
    real, fake = (1.5 * torch.randn(BATCH, 2, generator=rng(seed), dtype=torch.float64) for seed in (3, 4))
    return real, fake, torch.rand(BATCH, generator=rng(5), dtype=torch.float64)


def penalty(network, real, fake, epsilon, kind=penalties.two_sided):
    points = penalties.interpolate(real, fake, epsilon)
    norms = penalties.sample_norms(penalties.input_gradient(network, points))
    return WEIGHT * kind(norms).mean()


def critic_truth(name, network, charge=None):
    real, fake, epsilon = batches()
    loss = network(fake).mean() - network(real).mean()
    if charge is not None:
        loss = loss + penalty(network, real, fake, epsilon, charge)
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
    return {
        "config": {"constraint": name, "weight": WEIGHT, "hidden": HIDDEN, "batch": BATCH},
        "critic": told(network),
        "real": plain(real),
        "fake": plain(fake),
        "epsilon": plain(epsilon),
        "loss": loss.item(),
        "gradients": [plain(gradient) for gradient in gradients],
    }


def normalised_truth():
    """Spectral normalisation, with the vectors that the package has found."""
    network = constraints.make("sn").prepare(critic()).eval()  # so that no forward iterates between two others
    found = critic_truth("sn", network)
    parts = [layer.parametrizations.weight for layer in linear_layers(network)]
    for layer, part in zip(found["critic"], parts, strict=True):
        layer |= {"weight": plain(part.original), "u": plain(part[0].power.u), "v": plain(part[0].power.v)}
        layer["sigma"] = part[0].power.sigma(part.original).item()
    by_name = {id(p): g for p, g in zip(network.parameters(), found["gradients"], strict=True)}
    pairs = [(part.original, layer.bias) for part, layer in zip(parts, linear_layers(network), strict=True)]
    found["gradients"] = [by_name[id(p)] for pair in pairs for p in pair]
    return found


class Scores(nn.Sequential):
    """One score a sample, of shape (n,)."""

    def forward(self, x):
        return super().forward(x).squeeze(1)


@pytest.mark.filterwarnings("ignore")
def coupled_truth():
    """Batch normalisation, which the package's critics refuse: the same network put together by hand."""
    torch.manual_seed(2)
    sizes = ((2, HIDDEN), (HIDDEN, HIDDEN))
    parts = [part for a, b in sizes for part in (nn.Linear(a, b), nn.BatchNorm1d(b), LeakyReLU())]
    network = Scores(*parts, nn.Linear(HIDDEN, 1)).double()
    norms = [part for part in parts if isinstance(part, nn.BatchNorm1d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
    found = critic_truth("gp", network, penalties.two_sided)
    found["config"]["batchNorm"] = True
    for layer, norm in zip(found["critic"], norms, strict=False):
        layer |= {"scale": plain(norm.weight), "shift": plain(norm.bias)}
    return found


def generator_truth():
    network, score, latent = generator(), critic(), torch.randn(BATCH, 2, generator=rng(8), dtype=torch.float64)
    loss = -score(network(latent)).mean()
    return {
        "config": {"hidden": HIDDEN, "batch": BATCH},
        "critic": told(score),
        "generator": told(network),
        "latent": plain(latent),
        "loss": loss.item(),
        "gradients": [plain(gradient) for gradient in torch.autograd.grad(loss, list(network.parameters()))],
    }


def training_truth(name, rounds=3, steps=5):
    """Weights after some rounds with PyTorch's Adam."""
    score, network = critic(), generator()
    found = {
        "config": {"constraint": name, "weight": WEIGHT, "bound": 0.1, "hidden": HIDDEN, "batch": BATCH, "rate": 1e-3},
        "generator": told(network),
        "rounds": [],
    }
    clip = constraints.make("clip", clip=0.1) if name == "clip" else None
    if clip is not None:
        clip.project_(score)
    found["critic"] = told(score)
    optimisers = [torch.optim.Adam(one.parameters(), lr=1e-3, betas=(0.0, 0.9)) for one in (score, network)]
    draw = rng(11)
    for _ in range(rounds):
        record = {"critic": []}
        for _ in range(steps):
            real, latent = (torch.randn(BATCH, 2, generator=draw, dtype=torch.float64) for _ in range(2))
            epsilon = torch.rand(BATCH, generator=draw, dtype=torch.float64)
            fake = network(latent).detach()
            loss = score(fake).mean() - score(real).mean()
            if name == "gp":
                loss = loss + penalty(score, real, fake, epsilon)
            optimisers[0].zero_grad()
            loss.backward()
            optimisers[0].step()
            if clip is not None:
                clip.project_(score)
            record["critic"].append({"real": plain(real), "latent": plain(latent), "epsilon": plain(epsilon)})
        latent = torch.randn(BATCH, 2, generator=draw, dtype=torch.float64)
        optimisers[1].zero_grad()
        (-score(network(latent)).mean()).backward()
        optimisers[1].step()
        found["rounds"].append(record | {"latent": plain(latent)})
    found["after"] = {
        "critic": [plain(p) for p in score.parameters()],
        "generator": [plain(p) for p in network.parameters()],
    }
    return found


def distance_truth(n):
    a, b = (torch.randn(n, 2, generator=rng(n + k), dtype=torch.float64) for k in (0, 1))
    return {"a": plain(a), "b": plain(b), "distance": float(transport.solve(transport.cost_matrix(a, b)).value)}


def data_truth():
    places = torch.linspace(0, 0.98, 25, dtype=torch.float64)
    quiet = {name: toy.make(name, noise=0.0) for name in ("swiss-roll", "two-moons")}
    ring = toy.make("eight-gaussians").modes
    curves = {key: plain(quiet[name].curve(places)) for key, name in (("roll", "swiss-roll"), ("moon", "two-moons"))}
    return {"places": plain(places), "ring": plain(ring), **curves}


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    file = tmp_path_factory.mktemp("playground") / "truth.json"
    critics = {
        "none": critic_truth("none", critic()),
        "gp": critic_truth("gp", critic(), penalties.two_sided),
        "lp": critic_truth("lp", critic(), penalties.one_sided),
        "sn": normalised_truth(),
        "batchNorm": coupled_truth(),
    }
    found = {
        "critics": critics,
        "generator": generator_truth(),
        "training": {name: training_truth(name) for name in ("gp", "clip")},
        "distances": [distance_truth(n) for n in (1, 2, 17, 64)],
        "data": data_truth(),
    }
    file.write_text(json.dumps(found))
    return file


def test_the_page_trains_as_the_package_does(truth, run_node):
    said = run_node("playground.test.mjs", PLAYGROUND_TRUTH=str(truth))
    assert said["skipped"] == 0
    assert said["passed"] >= 30


def test_node_would_find_a_wrong_number(truth, run_node, tmp_path):
    found = json.loads(truth.read_text())
    entry = np.array(found["critics"]["gp"]["gradients"][2])
    entry[0, 0] += 1e-3 * np.abs(entry).max()
    found["critics"]["gp"]["gradients"][2] = entry.tolist()
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(found))
    assert run_node("playground.test.mjs", check=False, PLAYGROUND_TRUTH=str(wrong))["failed"] == 1
