"""``circular_norm(kernel, n)``: the exact operator norm of a circular convolution."""

import numpy as np

from ...formulas import absolute, composed, explained, largest, squared
from ...problem import Cases, Criterion, Problem, case
from ._linear import nearly_alike, norm, reshaped


def cases(rng: np.random.Generator) -> Cases:
    yield case("box", "box", kernel=np.ones((1, 1, 3, 3)), n=6)
    yield case("box", "box of 2×3", kernel=np.ones((1, 1, 2, 3)), n=5)
    for high in (False, True):
        shape = (1, 1, *(np.sort(rng.permutation(4)[:2]) + 1)[:: -1 if high else 1])
        name = f"a {'high' if high else 'wide'} box of some height"
        yield case("box", name, kernel=np.full(shape, rng.uniform(0.3, 3)), n=int(rng.integers(4, 9)))
    high = np.array([[1.0, -1.0, 0.5], [-1.0, 2.0, -1.0], [0.5, -1.0, 1.0]])[None, None]
    yield case("one", "high-pass", kernel=high, n=6)
    slanted = np.cos(2 * np.pi / 5 * np.subtract.outer(np.arange(3), np.arange(3)))[None, None]
    yield case("one", "a slanted wave", kernel=slanted, n=5)
    for high, wide, n in ((3, 3, 7), (2, 4, 6), (5, 1, 8), (2, 7, 9)):
        yield case("one", f"one channel, {high}×{wide}", kernel=rng.normal(size=(1, 1, high, wide)), n=n)
    for outs, ins, high, wide, n in (
        (3, 2, 3, 3, 6),
        (2, 5, 3, 3, 8),
        (4, 4, 2, 2, 5),
        (2, 3, 4, 2, 7),
        (3, 1, 1, 3, 5),
        (6, 7, 2, 2, 5),
        (2, 2, 2, 2, 13),
    ):
        kernel = rng.normal(size=(outs, ins, high, wide))
        yield case("channels", f"{outs} out, {ins} in, {high}×{wide}", kernel=kernel, n=n)
    kernel = nearly_alike()[:, :, None, None] * np.array([[1.0, 0.25, -0.5]])
    yield case("channels", "two directions almost equally loud", kernel=kernel, n=4)
    yield case("channels", "one tap on one place", kernel=[[[[2.0]], [[-1.0]]], [[[0.5]], [[3.0]]]], n=1)
    yield case("one", "2×3 on twelve", kernel=[[[[1.0, -2.0, 0.5], [0.3, 1.5, -1.0]]]], n=12)


def blocks(kernel: np.ndarray, n: int) -> np.ndarray:
    """One matrix a frequency, shape (n, n, out, in)."""
    return np.moveaxis(np.fft.fft2(kernel, (n, n)), (0, 1), (-2, -1))


def exact(kernel: np.ndarray, n: int) -> float:
    """Largest norm of a block."""
    return float(np.linalg.norm(blocks(kernel, n), 2, axis=(-2, -1)).max())


def _kernel_grid(kernel: np.ndarray, n: int) -> float:
    spectrum = np.moveaxis(np.fft.fft2(kernel), (0, 1), (-2, -1))
    return float(np.linalg.norm(spectrum, 2, axis=(-2, -1)).max())


WRONG = (
    ("reshaped", lambda k, n: norm(reshaped(k))),
    ("upper-bound", lambda k, n: norm(reshaped(k)) * np.sqrt(k.shape[2] * k.shape[3])),
    ("constant-images", lambda k, n: norm(k.sum((2, 3)))),
    ("entrywise", largest(absolute(blocks))),
    ("frobenius", lambda k, n: np.linalg.norm(blocks(k, n), axis=(-2, -1)).max()),
    ("kernel-grid", _kernel_grid),
    ("channel-axes", lambda kernel, n: float(np.linalg.norm(np.fft.fft2(kernel, axes=(0, 1)), 2, axis=(-2, -1)).max())),
    ("pixel-axes", lambda k, n: np.linalg.norm(np.fft.fft2(k, (n, n)), 2, axis=(-2, -1)).max()),
    ("real-part", lambda k, n: np.linalg.norm(np.real(blocks(k, n)), 2, axis=(-2, -1)).max()),
    ("squared", squared(exact)),
    ("mean", lambda k, n: np.linalg.norm(blocks(k, n), 2, axis=(-2, -1)).mean(), composed(np.linalg.norm, blocks)),
    ("mean", lambda k, n: np.linalg.norm(k)),
)
MESSAGES = """
reshaped: This is the norm of the reshaped kernel. It acts on patches, and patches overlap: it is too small.
upper-bound: This is the reshaped norm times √(k_h k_w): an upper bound, attained by the box kernel and hardly any
    other.
constant-images: This is the gain at frequency 0, on constant images. The loudest frequency may be another one: take the
    largest over all.
entrywise: This is the largest entry of all K̂(ω) by size. With several channels each K̂(ω) is a *matrix*; its largest
    singular value is wanted.
frobenius: The size of K̂(ω) was measured by the Frobenius norm. The operator norm is its spectral norm.
kernel-grid: The transform was taken on the kernel's own grid, so that only k × k frequencies were looked at. Pad with
    zeros to n × n.
channel-axes: The transform runs over the channels. It belongs to the pixels, the last two axes.
pixel-axes: The matrix norm is taken over the last two axes, which belong to the frequencies. At each ω the matrix is
    that of the channels, out × in: bring those two axes to the end, permute(2, 3, 0, 1).
real-part: The imaginary part was dropped before taking the norm.
squared: This is the largest eigenvalue of CᵀC. The norm is its root.
mean: The norms were averaged over the frequencies, or one norm was taken of everything. An input can consist of the
    loudest frequency alone: take the maximum.
"""
PROBLEM = Problem(
    key="ps07.circular_norm",
    title="The norm of a circular convolution",
    criteria=(
        Criterion("box", "a box kernel: the sum of its taps", 0.5),
        Criterion("one", "one channel: the largest |K̂(ω)|, wherever it is", 1),
        Criterion("channels", "several channels: the largest ‖K̂(ω)‖₂", 1.5),
    ),
    cases=cases,
    formula=exact,
    scales=((1e6, "kernel"), (1e-6, "kernel")),
    pure="box",
    package_functions=(
        "wgan_course.norms.conv_norm_fft",
        "wgan_course.norms.conv_singular_values",
        "wgan_course.norms.conv_norm",
    ),
    stand_in="wgan_course.norms.conv_norm_fft",
    misconceptions=explained(WRONG, MESSAGES),
)
