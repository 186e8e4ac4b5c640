"""Statements that chapters 1, 4, 6, 7 and 8 make between the boxes, tried on drawn cases."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from wgan_course import norms
from wgan_course.constraints import penalties
from wgan_course.objectives import make


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(7)


def test_least_squares_has_the_ideal_discriminator_for_its_best_function(rng):
    """Newton's one step on the quadratic loss, weighted by two distributions, ends at p/(p + q)."""
    p, q = (torch.rand(9, generator=rng, dtype=torch.float64) for _ in range(2))
    scores = torch.randn(9, generator=rng, dtype=torch.float64, requires_grad=True)
    objective = make("least-squares")
    loss = sum(
        p[i] * objective.critic_loss(scores[i : i + 1], torch.zeros(1, dtype=torch.float64))
        + q[i] * objective.critic_loss(torch.ones(1, dtype=torch.float64), scores[i : i + 1])
        for i in range(9)
    )
    (slope,) = torch.autograd.grad(loss, scores)
    assert torch.allclose(scores.detach() - slope / (p + q), p / (p + q))


def test_least_squares_does_not_saturate_where_the_score_is_zero():
    scores = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(make("least-squares").generator_loss(scores), scores)
    assert slope.item() == -1


@pytest.mark.parametrize(("last", "linear", "constant"), [((1.0, -1.0), 2.0, 1.0), ((1.0, 1.0), 0.0, 1.0)])
def test_activations_may_widen_the_gap_to_the_product_of_norms_or_narrow_it(last, linear, constant):
    """Both products are 2: relu(x) - relu(-x) is x and takes slope away, relu(x) + relu(-x) is |x| and adds some."""
    first, second = torch.tensor([[1.0], [-1.0]]), torch.tensor([last])
    product = torch.linalg.matrix_norm(first, 2) * torch.linalg.matrix_norm(second, 2)
    assert float(product) == pytest.approx(2)
    assert float((second @ first).abs()) == linear
    x = torch.linspace(-1, 1, 101)
    slopes = (functional.relu(x[:, None] @ first.T) @ second.T)[:, 0].diff() / x.diff()
    assert float(slopes.abs().max()) == pytest.approx(constant, abs=1e-4)


@pytest.mark.parametrize(("charge", "convex"), [(penalties.one_sided, True), (penalties.two_sided, False)])
def test_only_the_one_sided_charge_is_convex_in_the_critic(charge, convex, rng):
    """Gradients of a mixture of critics are mixtures of gradients; charges of 500 pairs and their midpoints."""
    first, second = (2 * torch.randn(500, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    ends = (charge(first.norm(dim=1)) + charge(second.norm(dim=1))) / 2
    excess = charge(((first + second) / 2).norm(dim=1)) - ends
    assert bool((excess <= 1e-12).all()) == convex


def test_a_cone_turns_over_at_penalty_zero_while_its_reading_rises_to_the_distance():
    """Chapter 6's path: real points on the circle of radius 2, generated ones standard normal in the plane."""
    radii = torch.linspace(5e-5, 10, 100_001, dtype=torch.float64)
    density = radii * torch.exp(-(radii**2) / 2)
    mean = lambda values: float(torch.trapezoid(values * density, radii))
    path = lambda r, s: torch.maximum(-r, s - 2 - (r - 2).abs())
    assert torch.equal(path(radii, 0), -radii)
    readings = []
    for s in torch.linspace(0, 4, 9, dtype=torch.float64):
        slopes = (path(radii, s).diff() / radii.diff()).abs()
        assert ((slopes - 1).abs() < 1e-6).sum() >= len(slopes) - 2
        readings.append(float(path(torch.tensor(2.0, dtype=torch.float64), s)) - mean(path(radii, s)))
    assert (np.diff(readings) > 0).all()
    assert readings[-1] == pytest.approx(mean((radii - 2).abs()), abs=1e-6)


@pytest.mark.parametrize(
    ("norm", "broken"),
    [
        (lambda g: g.norm(dim=1), False),
        (lambda g: g.square().sum(1).sqrt(), True),
        (penalties.sample_norms, False),
    ],
    ids=["norm", "root", "course"],
)
def test_only_the_root_written_out_is_nan_at_a_flat_sample(norm, broken):
    flat = torch.nn.Linear(2, 1)
    torch.nn.init.zeros_(flat.weight)
    penalties.two_sided(norm(penalties.input_gradient(flat, torch.ones(3, 2)))).mean().backward()
    assert bool(flat.weight.grad.isnan().all()) == broken


def test_the_one_sided_charge_is_differentiable_at_one():
    norms = torch.tensor([1 - 1e-9, 1.0, 1 + 1e-9], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(penalties.one_sided(norms).sum(), norms)
    assert torch.allclose(slope, torch.tensor([0.0, 0.0, 2e-9], dtype=torch.float64), atol=1e-15)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_a_dense_layer_with_the_kernel_in_shifted_rows(stride, rng):
    kernel = torch.randn(2, 3, 3, generator=rng, dtype=torch.float64)
    image = torch.randn(1, 3, 8, generator=rng, dtype=torch.float64)
    outputs = (8 - 3) // stride + 1
    matrix = torch.zeros(2, outputs, 3, 8, dtype=torch.float64)
    for p in range(outputs):
        for place in range(8):
            if 0 <= place - stride * p < 3:
                matrix[:, p, :, place] = kernel[:, :, place - stride * p]
    dense = torch.einsum("apbq,bq->ap", matrix, image[0])
    assert torch.allclose(dense, functional.conv1d(image, kernel, stride=stride)[0])


def test_a_recurrent_layer_is_a_dense_network_with_the_stated_slope(rng):
    """Layer by layer with (U V 0; 0 0 I); and no Jacobian on sequences exceeds the bound."""
    d, k, length = 3, 2, 4
    U, V = (torch.randn(d, n, generator=rng, dtype=torch.float64) for n in (d, k))
    U /= torch.linalg.matrix_norm(U, 2)
    b = torch.randn(d, generator=rng, dtype=torch.float64)

    def recurrent(sequence):
        h = torch.zeros(d, dtype=torch.float64)
        for x in sequence:
            h = torch.tanh(U @ h + V @ x + b)
        return h

    def dense(sequence):
        state = torch.cat([torch.zeros(d, dtype=torch.float64), sequence.flatten()])
        for t in range(length):
            rest = k * (length - t - 1)
            matrix = torch.zeros(d + rest, len(state), dtype=torch.float64)
            matrix[:d, :d], matrix[:d, d : d + k] = U, V
            matrix[d:, d + k :] = torch.eye(rest, dtype=torch.float64)
            state = matrix @ state
            state[:d] = torch.tanh(state[:d] + b)
        return state

    bound = torch.linalg.matrix_norm(V, 2) * np.sqrt(length)  # ‖U‖₂ is 1
    for _ in range(50):
        sequence = torch.randn(length, k, generator=rng, dtype=torch.float64)
        assert torch.allclose(dense(sequence), recurrent(sequence))
        slopes = torch.autograd.functional.jacobian(recurrent, sequence).reshape(d, -1)
        assert torch.linalg.matrix_norm(slopes, 2) <= bound * (1 + 1e-12)


def test_a_step_on_the_normalised_weight_is_bounded_by_the_rank(rng):
    """1/σ² is at most r/‖W‖_F², with equality for an isometry."""
    for rank in (1, 2, 5):
        left = torch.randn(6, rank, generator=rng, dtype=torch.float64)
        W = left @ torch.randn(rank, 5, generator=rng, dtype=torch.float64)
        assert 1 / torch.linalg.matrix_norm(W, 2) ** 2 <= rank / W.square().sum() * (1 + 1e-12)
    W = torch.linalg.qr(torch.randn(5, 5, generator=rng, dtype=torch.float64))[0]
    assert torch.isclose(1 / torch.linalg.matrix_norm(W, 2) ** 2, 5 / W.square().sum())


@pytest.mark.parametrize(("rows", "columns", "gap"), [(3, 5, 1.0), (5, 3, 1.0), (1, 2, 1.0), (4, 4, 0.0)])
def test_what_is_left_after_an_inexact_deflation_lies_between_the_bounds_of_problem_set_7(rows, columns, gap, rng):
    u, s, v = torch.linalg.svd(torch.randn(rows, columns, generator=rng, dtype=torch.float64))
    s = torch.nn.functional.pad(s, (0, columns - len(s)))
    s[0] = s[1] + gap * (s[0] - s[1])
    weight = (u[:, : len(s)] * s[: u.shape[1]]) @ v[: u.shape[1]]
    for angle in torch.linspace(0, torch.pi / 2, 7, dtype=torch.float64):
        away = v.T @ torch.nn.functional.pad(torch.randn(columns - 1, generator=rng).double(), (1, 0))
        taken = angle.cos() * v[0] + angle.sin() * away / away.norm()
        left = torch.linalg.matrix_norm(weight - torch.outer(weight @ taken, taken), 2)
        above = s[1] ** 2 + (s[0] ** 2 - s[1] ** 2) * angle.sin() ** 2
        assert s[1] - 1e-9 <= left <= above.sqrt() + 1e-9


def test_single_precision_escapes_from_an_orthogonal_start_after_about_half_the_steps(rng):
    """Chapter 7: the step at which the estimate is half-way from the second singular value to the first."""
    spectrum = torch.tensor([2.0, 1.6, *np.linspace(1.2, 0.1, 18)], dtype=torch.float64)
    left, right = (torch.linalg.qr(torch.randn(20, 20, generator=rng, dtype=torch.float64))[0] for _ in range(2))
    escapes = []
    for dtype in (torch.float32, torch.float64):
        W = (left @ torch.diag(spectrum) @ right.T).to(dtype)
        top = torch.linalg.svd(W.double()).Vh[0]
        start = right[:, 1:].sum(1)
        v = (start - (start @ top) * top).to(dtype)
        paths = [float(norms.power_iteration(W, v=v, steps=k).sigma) for k in range(120)]
        escapes.append(int(np.argmax(np.array(paths) > 1.8)))
    assert 0.4 < escapes[0] / escapes[1] < 0.65


def test_the_reshaped_norm_can_be_too_large_on_images_smaller_than_the_kernel():
    """Chapter 7's lower end needs a window inside the image: on 2×2 pixels with padding 1 there is none."""
    kernel = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    kernel[0, 0, 0, 0] = kernel[0, 0, 2, 2] = 1  # each tap meets the image once, and never both in one window
    assert float(norms.conv_norm(kernel, (1, 2, 2), padding=1, steps=100)) == pytest.approx(1)
    assert float(norms.reshaped_norm(kernel)) == pytest.approx(2**0.5)
    assert float(norms.conv_norm(kernel, (1, 3, 3), padding=1, steps=100)) >= 2**0.5 - 1e-6
