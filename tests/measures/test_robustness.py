"""Attacks and certificates: closed forms for linear classifiers, bounds for networks, one training step by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from wgan_course import norms
from wgan_course.data import images
from wgan_course.measures import robustness

SEEDS = st.integers(0, 2**31 - 1)
RADII = st.floats(0.01, 5.0)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def linear(weight, bias=None):
    """Logits W x + b."""
    return lambda x: x @ weight.T + (0 if bias is None else bias)


def relu_network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 4)).double().eval()


def answers(network, x):
    return network(x).argmax(1)


def losses(network, x, y):
    return functional.cross_entropy(network(x), y, reduction="none")


# --- margins and certified radii -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logits", "label", "margin"),
    [
        ([3.0, 0.5, 1.0], 0, 2.0),
        ([3.0, 0.5, 1.0], 2, -2.0),
        ([2.0, 2.0, -1.0], 0, 0.0),
        ([-7.0, -4.0], 1, 3.0),
        ([-1e300, -1.0, 1e300], 0, -2e300),
    ],
)
def test_margins_by_hand(logits, label, margin):
    found = robustness.margins(torch.tensor([logits], dtype=torch.float64), torch.tensor([label]))
    assert found.tolist() == [margin]


@given(SEEDS, st.integers(2, 7), st.integers(1, 6))
def test_margins_are_those_of_a_loop(seed, classes, n):
    logits, labels = randn(n, classes, seed=seed), torch.randint(classes, (n,), generator=generator(seed))
    by_hand = [min(float(row[y] - row[j]) for j in range(classes) if j != y)
               for row, y in zip(logits, labels.tolist(), strict=True)]  # fmt: skip
    np.testing.assert_allclose(robustness.margins(logits, labels), by_hand, rtol=1e-12)


@given(SEEDS, st.floats(0.05, 20.0))
def test_radius_is_exact_where_the_bound_is_met(seed, K):
    """f(x) = K x on the plane: the other decision begins at the diagonal, at distance (x_0 - x_1)/√2."""
    x = randn(6, 2, seed=seed)
    labels, distance = x.argmax(1), (x[:, 0] - x[:, 1]).abs() / math.sqrt(2)
    np.testing.assert_allclose(robustness.certified_radii(K * x, labels, K), distance, rtol=1e-12)


@given(SEEDS, st.integers(2, 6))
def test_radius_never_reaches_the_boundary_of_a_linear_classifier(seed, classes):
    """Exact distance: the least of m_j / ‖w_y - w_j‖ over the rivals j; K is the largest singular value."""
    weight, bias, x = randn(classes, 4, seed=seed), randn(classes, seed=seed + 1), randn(8, 4, seed=seed + 2)
    network = linear(weight, bias)
    labels = answers(network, x)
    radii = robustness.certified_radii(network(x), labels, float(torch.linalg.svdvals(weight)[0]))
    for row, y, radius in zip(network(x), labels.tolist(), radii.tolist(), strict=True):
        rivals = [j for j in range(classes) if j != y]
        exact = min(float((row[y] - row[j]) / (weight[y] - weight[j]).norm()) for j in rivals)
        assert 0 < radius <= exact * (1 + 1e-9)


def test_wrong_answers_and_ties_have_no_ball():
    logits = torch.tensor([[1.0, 4.0], [2.0, 2.0], [5.0, 3.0]])
    found = robustness.certified_radii(logits, torch.tensor([0, 1, 0]), 0.5)
    np.testing.assert_allclose(found, [0, 0, 2 * math.sqrt(2)], rtol=1e-6)


@given(SEEDS, st.floats(0.1, 50.0))
def test_scaling_logits_and_bound_alike_changes_no_radius(seed, factor):
    logits, labels = randn(5, 3, seed=seed), torch.tensor([0, 1, 2, 0, 1])
    once = robustness.certified_radii(logits, labels, 2.0)
    np.testing.assert_allclose(robustness.certified_radii(factor * logits, labels, 2.0 * factor), once, rtol=1e-12)


# --- the attack ------------------------------------------------------------------------------------------------------


@given(SEEDS, RADII, st.integers(1, 12))
def test_attack_finds_the_worst_point_of_two_linear_classes(seed, radius, steps):
    """That is x - r (w_y - w_o)/‖w_y - w_o‖, where the margin is m - r ‖w_y - w_o‖."""
    weight, bias, x = randn(2, 5, seed=seed) / 4, randn(2, seed=seed + 1), randn(6, 5, seed=seed + 2) / 4
    y = torch.tensor([0, 1, 0, 1, 1, 0])
    across = weight[y] - weight[1 - y]
    worst = x - radius * across / across.norm(dim=1, keepdim=True)
    found = robustness.attack(linear(weight, bias), x, y, radius, steps)
    np.testing.assert_allclose(found, worst, atol=1e-9 * radius)
    before, after = (robustness.margins(linear(weight, bias)(z), y) for z in (x, found))
    np.testing.assert_allclose(after, before - radius * across.norm(dim=1), rtol=1e-9, atol=1e-9)


@given(SEEDS, st.integers(3, 6))
def test_attack_with_one_rival_in_reach_crosses_where_the_closed_form_says(seed, classes):
    """Rivals that are out of reach hardly bend the way: just beyond the distance it succeeds, before it never does."""
    weight = torch.eye(classes, dtype=torch.float64)
    x = torch.full((1, classes), -30.0, dtype=torch.float64)
    x[0, :2] = torch.tensor([1.0, 1.0 - float(torch.rand((), generator=generator(seed))) - 0.1])
    distance, y = float(x[0, 0] - x[0, 1]) / math.sqrt(2), torch.tensor([0])
    for share, survives in ((0.999, True), (1.001, False)):
        moved = robustness.attack(linear(weight), x, y, share * distance)
        assert bool(answers(linear(weight), moved) == y) is survives


@given(SEEDS, RADII)
def test_attack_stays_in_its_balls(seed, radius):
    network, x = relu_network(seed), randn(20, 5, seed=seed)
    y = torch.randint(4, (20,), generator=generator(seed))
    length = (robustness.attack(network, x, y, radius, steps=7) - x).norm(dim=1)
    assert float(length.max()) <= radius * (1 + 1e-9)
    assert float(length.min()) > 0


@given(SEEDS)
def test_no_attack_beats_a_certificate(seed):
    network, x = relu_network(seed), randn(40, 5, seed=seed)
    y = answers(network, x)
    certified = robustness.certified_radii(network(x), y, norms.lipschitz_upper(network, (5,)))
    for radius in (0.02, 0.1, 0.3):
        survived = answers(network, robustness.attack(network, x, y, radius)) == y
        assert bool(survived[certified > radius].all())


@given(SEEDS)
def test_one_step_goes_along_the_gradient_and_is_cut_at_the_surface(seed):
    network, x = relu_network(seed), randn(6, 5, seed=seed)
    y, h = answers(network, x), 1e-6
    slopes = [(losses(network, x + h * e, y) - losses(network, x - h * e, y)) / (2 * h)
              for e in torch.eye(5, dtype=torch.float64)]  # fmt: skip
    slope = torch.stack(slopes, 1).detach()
    moved = robustness.attack(network, x, y, 0.25, steps=1)
    np.testing.assert_allclose(moved, x + 0.25 * slope / slope.norm(dim=1, keepdim=True), atol=1e-4)


def test_more_steps_reach_a_higher_loss():
    network, x = relu_network(3), randn(200, 5, seed=4)
    y = answers(network, x)
    reached = [losses(network, robustness.attack(network, x, y, 0.5, steps), y).mean() for steps in (1, 5, 40)]
    assert losses(network, x, y).mean() < reached[0] < reached[1] < reached[2]


def test_each_input_is_attacked_by_itself():
    network, x = relu_network(1), randn(6, 5, seed=2)
    y = answers(network, x)
    alone = [robustness.attack(network, row[None], label[None], 0.4) for row, label in zip(x, y, strict=True)]
    np.testing.assert_allclose(robustness.attack(network, x, y, 0.4), torch.cat(alone), atol=1e-12)


def test_images_are_attacked_as_their_rows_are():
    weight, x, y = randn(3, 12, seed=1), randn(4, 12, seed=2), torch.tensor([0, 1, 2, 1])
    rows = robustness.attack(linear(weight), x, y, 0.7)
    moved = robustness.attack(lambda z: z.flatten(1) @ weight.T, x.reshape(4, 3, 2, 2), y, 0.7)
    assert moved.shape == (4, 3, 2, 2)
    np.testing.assert_allclose(moved.flatten(1), rows, atol=1e-12)


def test_attack_leaves_network_and_inputs_alone_and_works_without_gradients():
    network, x = relu_network(5), randn(3, 5, seed=6).requires_grad_()
    y, before = torch.tensor([0, 1, 2]), x.detach().clone()
    with torch.no_grad():
        moved = robustness.attack(network, x, y, 0.3)
    assert torch.equal(x, before)
    assert not moved.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(robustness.attack(network, x, y, 0), before)


def test_a_flat_network_moves_nothing():
    x = randn(3, 5)
    assert torch.equal(robustness.attack(lambda z: 0 * z[:, :2], x, torch.tensor([0, 1, 0]), 1.0), x)


# --- training --------------------------------------------------------------------------------------------------------


def cross_entropy(network, x, y):
    return functional.cross_entropy(network(x), y)


def test_two_epochs_are_those_of_a_plain_loop():
    x, y = randn(10, 5, seed=1), torch.arange(10) % 4
    fitted = robustness.fit(relu_network(0), x, y, cross_entropy, generator(7), epochs=2, batch=4, rate=0.01)
    by_hand, rng = relu_network(0), generator(7)
    optimiser = torch.optim.Adam(by_hand.parameters(), lr=0.01)
    for order in (torch.randperm(10, generator=rng), torch.randperm(10, generator=rng)):
        for chosen in (order[:4], order[4:8], order[8:]):
            optimiser.zero_grad()
            cross_entropy(by_hand, x[chosen], y[chosen]).backward()
            optimiser.step()
    assert all(map(torch.equal, fitted.parameters(), by_hand.parameters()))


def test_one_epoch_shows_each_input_once_and_ends_in_evaluation_mode():
    seen, network = [], nn.Sequential(nn.Linear(1, 2, dtype=torch.float64), nn.Dropout())

    def loss(net, x, y):
        seen.append(x[:, 0])
        assert net.training
        return cross_entropy(net, x, y)

    x = torch.arange(7, dtype=torch.float64)[:, None]
    assert not robustness.fit(network, x, torch.ones(7).long(), loss, generator(0), epochs=1, batch=3).training
    assert [len(part) for part in seen] == [3, 3, 1]
    assert torch.cat(seen).sort().values.tolist() == x[:, 0].tolist()
    assert torch.cat(seen).tolist() != x[:, 0].tolist()


def test_separable_classes_are_learned():
    x = torch.cat([randn(60, 5, seed=1) + 4, randn(60, 5, seed=2) - 4])
    y = torch.arange(120) // 60
    network = robustness.fit(relu_network(2), x, y, cross_entropy, generator(0), epochs=30, rate=1e-2)
    assert torch.equal(answers(network, x), y)


# --- images ----------------------------------------------------------------------------------------------------------


def test_flat_images_are_rows_of_grey_levels():
    """Bytes over 255; the distance between two is half of that between the images in [-1, 1]."""
    data = images.load("fashion-mnist", "test", source="embedded").take(50)
    x, labels = robustness.flat_images(data)
    assert x.shape == (50, 784)
    np.testing.assert_allclose(x.reshape(50, 28, 28) * 255, images.from_unit(data.images), atol=1e-4)
    assert torch.equal(labels, data.labels)
    np.testing.assert_allclose(torch.pdist(x), torch.pdist(data.images.flatten(1)) / 2, rtol=1e-5)


# --- what is refused -------------------------------------------------------------------------------------------------

X, Y, LOGITS = torch.zeros(2, 3), torch.tensor([0, 1]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
NAN = torch.tensor([[math.nan, 0.0, 0.0], [0.0, 0.0, 0.0]])
CLASSIFIER = nn.Linear(3, 2)


def attacking(x=X, y=Y, radius=1.0, steps=2, network=CLASSIFIER):
    return lambda: robustness.attack(network, x, y, radius, steps)


def fitting(x=X, y=Y, **options):
    return lambda: robustness.fit(nn.Linear(3, 2), x, y, cross_entropy, generator(0), **({"epochs": 1} | options))


def certifying(logits=LOGITS, y=Y, K=1.0):
    return lambda: robustness.certified_radii(logits, y, K)


REFUSED = {
    "no inputs": (attacking(x=X[:0], y=Y[:0]), ValueError, "at least one row"),
    "NaN": (attacking(x=NAN), ValueError, "finite"),
    "a single vector": (attacking(x=X[0]), ValueError, "at least one row"),
    "too few labels": (attacking(y=Y[:1]), ValueError, r"shape \(2,\), got \(1,\)"),
    "labels in a column": (attacking(y=Y[:, None]), ValueError, "labels must be one a row"),
    "labels as floats": (attacking(y=Y.float()), TypeError, "int64"),
    "a label that no class has": (attacking(y=torch.tensor([0, 2])), ValueError, "from 0 to 1, got 0 to 2"),
    "a negative label": (certifying(y=torch.tensor([-1, 0])), ValueError, "from 0 to 1, got -1 to 0"),
    "a negative radius": (attacking(radius=-1.0), ValueError, "radius must be non-negative"),
    "an infinite radius": (attacking(radius=math.inf), ValueError, "radius"),
    "a radius in words": (attacking(radius="1"), TypeError, "radius must be a number"),
    "no steps": (attacking(steps=0), ValueError, "steps"),
    "half a step": (attacking(steps=0.5), TypeError, "steps"),
    "scores in place of logits": (attacking(network=lambda x: x.sum(1)), ValueError, r"\(2, classes\)"),
    "another batch": (attacking(network=lambda x: CLASSIFIER(x)[:1]), ValueError, r"\(2, classes\)"),
    "a detached network": (attacking(network=lambda x: CLASSIFIER(x.detach()).detach()), ValueError, "detached"),
    "one class": (certifying(logits=LOGITS[:, :1], y=Y * 0), ValueError, "at least two"),
    "no logits": (certifying(logits=LOGITS[:0], y=Y[:0]), ValueError, "at least one row"),
    "logits that are NaN": (certifying(logits=LOGITS * math.nan), ValueError, "finite"),
    "a bound of zero": (certifying(K=0.0), ValueError, "lipschitz must be positive"),
    "no bound": (certifying(K=math.inf), ValueError, "lipschitz"),
    "no epochs": (fitting(epochs=0), ValueError, "epochs"),
    "a batch of none": (fitting(batch=0), ValueError, "batch"),
    "a rate of zero": (fitting(rate=0.0), ValueError, "rate must be positive"),
    "labels of other inputs": (fitting(y=torch.tensor([0, 1, 0])), ValueError, "labels must be one a row"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_is_refused_in_words(what):
    call, error, words = REFUSED[what]
    with pytest.raises(error, match=words):
        call()
