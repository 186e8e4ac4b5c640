"""``circular_spectrum(kernel, n)``: singular values of a circular convolution with one channel, by FFT."""

import numpy as np

from ...formulas import absolute, composed, explained, flipped, largest, squared
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    yield Case("box of three", {"kernel": np.ones(3), "n": 6}, criterion="value")
    for k, n in ((3, 7), (5, 8), (4, 4)):
        yield Case(f"{k} taps on {n}", {"kernel": rng.normal(size=k), "n": n}, criterion="value")
    yield Case("box longer than the circle", {"kernel": np.array([1.0, 2.0, 3.0, 4.0]), "n": 3}, criterion="wraps")
    yield Case("7 taps on 4", {"kernel": rng.normal(size=7), "n": 4}, criterion="wraps")
    yield Case("150 taps on 7", {"kernel": rng.normal(size=150), "n": 7}, criterion="wraps")
    yield Case("9 taps on 3", {"kernel": rng.normal(size=9), "n": 3}, criterion="wraps")
    for kernel, n, criterion in (([1.0, -1.0], 4, "value"), ([-2.0], 5, "value"), ([0.5, -1.5, 4.0], 1, "wraps")):
        yield Case(f"{len(kernel)} taps on {n}, fixed", {"kernel": np.array(kernel), "n": n}, criterion=criterion)
    for n in (16, 131):
        yield Case(f"4 taps on {n}", {"kernel": rng.normal(size=4), "n": n}, criterion="value")


def on_circle(kernel: np.ndarray, n: int) -> np.ndarray:
    """Kernel on n places; what leaves the circle comes back."""
    return np.bincount(np.arange(kernel.size) % n, kernel, n)


def spectrum(kernel: np.ndarray, n: int) -> np.ndarray:
    """|K̂| at the frequencies 0, 1/n, …"""
    return np.abs(np.fft.fft(on_circle(kernel, n)))


def _overwritten(kernel: np.ndarray, n: int) -> np.ndarray:
    circle = np.zeros(n)
    circle[np.arange(kernel.size) % n] = kernel  # the last one stays
    return circle


def _wrapped_once(kernel: np.ndarray, n: int) -> np.ndarray:
    return on_circle(kernel[: 2 * n], n)


WRONG = (
    ("not-padded", lambda k, n: np.abs(np.fft.fft(k))),
    ("squared", squared(spectrum)),
    ("sorted", flipped(composed(np.sort, spectrum)), composed(np.sort, spectrum)),
    ("half", absolute(composed(np.fft.rfft, on_circle))),
    ("real-part", lambda k, n: np.fft.fft(on_circle(k, n)).real, lambda k, n: np.abs(np.fft.fft(on_circle(k, n)).real)),
    ("real-part", lambda k, n: np.fft.fft(k, n).real),
    ("scaled", lambda k, n: spectrum(k, n) / n, lambda k, n: spectrum(k, n) / np.sqrt(n)),
    ("scaled", lambda k, n: spectrum(k, n) * n),
    ("centred", composed(np.fft.fftshift, spectrum)),
    ("truncated", lambda k, n: np.abs(np.fft.fft(k, n))),
    ("overwritten", absolute(composed(np.fft.fft, _overwritten))),
    ("wraps-once", absolute(composed(np.fft.fft, _wrapped_once))),
    ("only-the-norm", largest(spectrum)),
)
MESSAGES = """
not-padded: The transform was taken of the kernel alone, at k frequencies. The image has n places, so there are n
    frequencies: write the kernel on the circle first.
squared: This is |K̂|², the eigenvalues of CᵀC. Singular values are their roots.
sorted: The values are right but sorted. They are wanted by frequency, from 0 on.
half: Only half of the frequencies came back: a real transform (rfft) leaves out the mirror images, but each of them is
    a singular value as well.
real-part: The real part was taken. A frequency's gain is the absolute value of a complex number.
scaled: The transform was multiplied or divided by n or √n. Dividing by √n makes F unitary, but K̂ is the plain sum.
centred: The frequencies begin at −½ (fftshift). They are wanted from 0 on.
truncated: Where the kernel is longer than the circle, its end was cut off (that is what fft(kernel, n) does). On a
    circle nothing ends: add tap j to place j mod n.
overwritten: Of several taps on one place only the last one counts: circle[places] += kernel does not add up where
    places repeat. Use index_add_ (or np.add.at, or a loop).
wraps-once: A kernel more than twice as long as the circle goes around it several times; only the first time is counted.
    Tap j belongs to place j mod n.
only-the-norm: This is the largest one alone. All n were asked for.
"""
PROBLEM = Problem(
    key="ps07.circular_spectrum",
    title="The spectrum of a circular convolution",
    criteria=(
        Criterion("value", "|K̂(j/n)| for j = 0, …, n − 1, in this order", 1),
        Criterion("wraps", "a kernel that is longer than the circle goes round it", 1),
    ),
    cases=cases,
    formula=spectrum,
    scales=((1e6, "kernel"), (1e-6, "kernel")),
    pure="value",
    package_functions=("wgan_course.norms.conv_singular_values", "wgan_course.norms.conv_norm_fft"),
    misconceptions=explained(WRONG, MESSAGES),
)
