"""Chapter 7, theorem by theorem: each test tries to falsify the statement of that label."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import norms

seeds = st.integers(0, 2**31 - 1)
falsify = settings(max_examples=30, deadline=None)
SLACK = 1 + 1e-9


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def with_singular_values(seed, values, m=6):
    n = len(values)
    u, v = torch.linalg.qr(draw(seed, m, m))[0][:, :n], torch.linalg.qr(draw(seed + 1, n, n))[0]
    return u @ torch.diag(torch.tensor(values).double()) @ v.T, v


@falsify
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_thm_spectral_eigenvalue(seed, m, n):
    W, x = draw(seed, m, n), draw(seed + 1, 50, n)
    largest = torch.linalg.eigvalsh(W.T @ W)[-1]
    assert float(norms.spectral_norm(W)) ** 2 == pytest.approx(float(largest), rel=1e-9)
    assert float(((x @ W.T).norm(dim=1) / x.norm(dim=1)).max()) <= float(largest.sqrt()) * SLACK


@falsify
@given(seeds, st.floats(0.1, 0.99), st.integers(0, 30))
def test_thm_power_iteration(seed, ratio, steps):
    """From below, and 1 - sigma_k^2 / sigma_1^2 <= tan^2(start, v_1) (sigma_2 / sigma_1)^(4k)."""
    W, v = with_singular_values(seed, [2.0, 2 * ratio, ratio, ratio / 2])
    start = draw(seed + 2, 4)
    cosine = float((start @ v[:, 0]).abs() / start.norm())
    sigma = float(norms.power_iteration(W, v=start, steps=steps).sigma)
    bound = (1 / cosine**2 - 1) * ratio ** (4 * steps)
    assert sigma <= 2 * SLACK
    assert 1 - (sigma / 2) ** 2 <= bound * SLACK + 1e-12


@falsify
@given(seeds)
def test_prop_power_tie(seed):
    """With a tie the norm converges all the same; the vector goes to the start's projection on the top space."""
    W, v = with_singular_values(seed, [2.0, 2.0, 1.0])
    starts = draw(seed + 2, 2, 3)
    for start in starts:
        result = norms.power_iteration(W, v=start, steps=60)
        projection = v[:, :2] @ (v[:, :2].T @ start)
        assert float(result.sigma) == pytest.approx(2, abs=1e-9)
        torch.testing.assert_close(result.v, projection / projection.norm(), atol=1e-8, rtol=0)


@falsify
@given(seeds, st.integers(1, 8))
def test_prop_uv_form(seed, steps):
    """Alternating u and v is power iteration on the square matrix, and sigma is the bilinear form."""
    W, start = draw(seed, 5, 4), draw(seed + 1, 4)
    sigma, u, v = norms.power_iteration(W, v=start, steps=steps)
    square = torch.linalg.matrix_power(W.T @ W, steps) @ start
    torch.testing.assert_close(v, square / square.norm(), atol=1e-9, rtol=0)
    assert float(sigma) == pytest.approx(float(u @ W @ v), rel=1e-12)
    assert float(sigma) == pytest.approx(float((W @ v).norm()), rel=1e-12)


@falsify
@given(seeds, st.floats(0, 0.2))
def test_prop_warm_start(seed, size):
    """After a change E of the weight the old v is at most 2 ||E|| off, and further steps never make it worse."""
    W, change = draw(seed, 5, 4), size * draw(seed + 1, 5, 4)
    old = torch.linalg.svd(W).Vh[0]
    truth = float(norms.spectral_norm(W + change))
    estimates = [float(norms.power_iteration(W + change, v=old, steps=k).sigma) for k in range(4)]
    assert truth - estimates[0] <= 2 * float(norms.spectral_norm(change)) + 1e-9
    assert all(b >= a / SLACK for a, b in itertools.pairwise(estimates))
    assert estimates[-1] <= truth * SLACK


@falsify
@given(seeds, st.integers(3, 6), st.integers(1, 3), st.integers(1, 3))
def test_thm_circular_fft(seed, size, channels_in, channels_out):
    weight = draw(seed, channels_out, channels_in, 3, 3)
    operator = norms.conv_operator(weight, (channels_in, size, size), padding=1, padding_mode="circular")
    expected = torch.linalg.svdvals(operator.dense())
    got = norms.conv_singular_values(weight, size).flatten().sort(descending=True).values
    torch.testing.assert_close(got, expected, atol=1e-8, rtol=0)


@falsify
@given(seeds, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["zeros", "circular"]))
def test_prop_reshaped_bound(seed, channels, height, width, mode):
    weight = draw(seed, 3, channels, height, width)
    reshaped, factor = float(norms.reshaped_norm(weight)), norms.reshaped_factor((height, width))
    assert factor == pytest.approx(math.sqrt(height * width))
    operator = norms.conv_operator(weight, (channels, 5, 5), padding="same", padding_mode=mode)
    exact = float(norms.spectral_norm(operator.dense()))
    assert exact <= factor * reshaped * SLACK
    if mode == "circular":
        assert reshaped <= exact * SLACK


def test_prop_reshaped_bound_is_attained_by_the_box_kernel():
    box = torch.ones(1, 1, 3, 3).double()
    assert float(norms.conv_norm_fft(box, 8)) == pytest.approx(
        norms.reshaped_factor((3, 3)) * float(norms.reshaped_norm(box))
    )


@falsify
@given(seeds, st.integers(1, 60))
def test_prop_power_tie_needs_no_gap(seed, steps):
    """Without any gap: 1 - sigma_k^2 / sigma_1^2 <= (1 + log(1 + 2 k tau^2)) / 2k."""
    W, v = with_singular_values(seed, [1.0, 1 - 1e-9, 0.999, 0.98, 0.5])
    start = draw(seed + 2, 5)
    tau2 = float((start @ start) / (start @ v[:, 0]) ** 2) - 1
    sigma = float(norms.power_iteration(W, v=start, steps=steps).sigma)
    assert 1 - sigma**2 <= (1 + math.log1p(2 * steps * tau2)) / (2 * steps)


@falsify
@given(seeds, st.floats(0, 0.05))
def test_prop_warm_start_target_moves_little(seed, size):
    """The sine of the angle between old and new top vector is at most ||E|| / (sigma_1 - sigma_2')."""
    W, old = with_singular_values(seed, [2.0, 1.0, 0.5])
    change = size * draw(seed + 2, 6, 3)
    _, values, new = torch.linalg.svd(W + change)
    gap = 2.0 - float(values[1])
    cosine = float((old[:, 0] @ new[0]).abs())
    if gap > 0:
        assert math.sqrt(max(0.0, 1 - cosine**2)) <= float(norms.spectral_norm(change)) / gap * SLACK + 1e-7


@falsify
@given(seeds, st.floats(1e-4, 0.05), st.floats(0.2, 0.9))
def test_prop_warm_start_one_step_each_is_enough(seed, angle, ratio):
    """One iteration a step keeps tan(theta) at most 2 rho kappa / (1 - rho), however long the path."""
    W, v = with_singular_values(seed, [1.0, ratio, ratio / 2])
    noise = draw(seed + 2, 3, 3)
    skew = noise - noise.T
    turn = torch.linalg.matrix_exp(angle * skew / torch.linalg.matrix_norm(skew, 2))
    rho, kappa, stored, top = ratio**2, math.tan(angle), v[:, 0], v[:, 0]
    if kappa > (1 - rho) / (2 * math.sqrt(rho)):
        return
    limit = 2 * rho * kappa / (1 - rho)
    for _ in range(40):
        W, top = W @ turn.T, turn @ top
        sigma, _, stored = norms.power_iteration(W, v=stored, steps=1)
        cosine = float((stored @ top).abs())
        assert math.sqrt(max(0.0, 1 / cosine**2 - 1)) <= limit * SLACK + 1e-7
        assert 1 - float(sigma) ** 2 <= limit**2 * SLACK + 1e-9


def test_thm_power_iteration_from_an_orthogonal_start():
    """Rounding lets a start escape from the complement of the top vector, unless symmetry protects it."""
    W, v = with_singular_values(3, [2.0, 1.6, 1.0])
    start = v[:, 1]
    assert float(norms.power_iteration(W, v=start, steps=5).sigma) == pytest.approx(1.6, abs=1e-6)
    assert float(norms.power_iteration(W, v=start, steps=200).sigma) == pytest.approx(2.0, abs=1e-6)
    stuck = torch.tensor([[1.0, -1.0], [1.0, 0.0], [0.0, 1.0]]).double()
    assert float(norms.power_iteration(stuck, v=torch.ones(2).double(), steps=2000).sigma) == pytest.approx(1.0)
    assert float(norms.spectral_norm(stuck)) == pytest.approx(math.sqrt(3))


@falsify
@given(seeds, st.integers(1, 4), st.integers(1, 3))
def test_prop_reshaped_bound_with_strides(seed, k, stride):
    """Zero padding and strides: from below by the reshaped kernel, from above by it times the root of the windows."""
    weight = draw(seed, 2, 3, k, k)
    operator = norms.conv_operator(weight, (3, 6, 6), stride=stride, padding=k // 2)
    exact, reshaped = float(norms.spectral_norm(operator.dense())), float(norms.reshaped_norm(weight))
    assert reshaped <= exact * SLACK
    assert exact <= math.ceil(k / stride) * reshaped * SLACK
