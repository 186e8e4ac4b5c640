"""``conv_adjoint(y, kernel)``: the adjoint of a zero-padded convolution in one dimension."""

import numpy as np

from ...formulas import explained, given
from ...problem import Case, Cases, Criterion, Problem

ATOL = 2e-6  # float32: sums whose terms cancel


def cases(rng: np.random.Generator) -> Cases:
    pulse = np.zeros((1, 5))
    pulse[0, 2] = 1
    yield Case("a pulse", {"y": pulse, "kernel": np.array([[[1.0, 2.0, 3.0]]])}, criterion="one", atol=ATOL)
    for k, n in ((3, 6), (5, 7)):
        inputs = {"y": rng.normal(size=(1, n)), "kernel": rng.normal(size=(1, 1, k))}
        yield Case(f"one channel, {k} taps", inputs, criterion="one", atol=ATOL)
    for channels in (2, 3):
        inputs = {"y": rng.normal(size=(channels, 6)), "kernel": rng.normal(size=(channels, channels, 3))}
        yield Case(f"{channels} channels", inputs, criterion="channels", atol=ATOL)
    for outs, ins, k, n in ((3, 2, 5, 8), (1, 4, 3, 8), (2, 3, 9, 3), (2, 3, 5, 3), (2, 3, 1, 4), (5, 6, 11, 131)):
        inputs = {"y": rng.normal(size=(outs, n)), "kernel": rng.normal(size=(outs, ins, k))}
        yield Case(f"{outs} out, {ins} in, {k} taps on {n}", inputs, criterion="different", atol=ATOL)
    place = {"y": np.array([[2.0], [-1.0]]), "kernel": np.arange(12.0).reshape(2, 2, 3) - 4}
    yield Case("one place", place, criterion="channels", atol=ATOL)


def shifted(y: np.ndarray, by: int, circular: bool = False) -> np.ndarray:
    """y[:, p + by], zero (or from the other side) where that is outside."""
    places = np.arange(y.shape[1]) + by
    inside = (places >= 0) & (places < y.shape[1]) | circular
    return y[:, places % y.shape[1]] * inside


def forward(x: np.ndarray, kernel: np.ndarray, sign: int = 1, circular: bool = False) -> np.ndarray:
    """Correlate (or, with sign −1, convolve with) the kernel, zeros outside; shape (out, n)."""
    middle = kernel.shape[2] // 2
    seen = [kernel[:, :, q] @ shifted(x, sign * (q - middle), circular) for q in range(kernel.shape[2])]
    return np.sum(seen, axis=0)


def adjoint(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Channels swapped, taps reversed."""
    return forward(y, kernel.swapaxes(0, 1), -1)


def _matrix(kernel: np.ndarray, n: int) -> np.ndarray:
    units = np.eye(kernel.shape[1] * n).reshape(-1, kernel.shape[1], n)
    return np.stack([forward(x, kernel).ravel() for x in units], axis=1)


def _inverse(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    found = np.linalg.pinv(_matrix(kernel, y.shape[1])) @ y.ravel()
    return found.reshape(kernel.shape[1], y.shape[1])


def _cropped(order: slice):
    """The whole transposed convolution, k − 1 places longer, cropped at its end (or at its beginning) alone."""

    def wrong(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        more = kernel.shape[2] // 2
        whole = adjoint(np.pad(y, ((0, 0), (more, more))), kernel)
        return whole[:, order][:, : y.shape[1]][:, order]

    return wrong


def _repeated(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """With the last value on either side repeated outside."""
    more = kernel.shape[2] // 2
    return adjoint(np.pad(y, ((0, 0), (more, more)), "edge"), kernel)[:, more : more + y.shape[1]]


def _inside(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """With zeros where the kernel reaches beyond an end."""
    more, places = kernel.shape[2] // 2, np.arange(y.shape[1])
    return adjoint(y, kernel) * ((places >= more) & (places < y.shape[1] - more))


def _covered(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Divided by the number of taps that are inside."""
    return adjoint(y, kernel) / adjoint(np.ones_like(y[:1]), np.ones((1, 1, kernel.shape[2])))


def _middle(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The three taps in the middle alone."""
    middle = kernel.shape[2] // 2
    return adjoint(y, kernel[:, :, max(0, middle - 1) : middle + 2])


def _wrapping(into_place: bool):
    """Loops that leave out what is beyond the last place alone: an index below 0 counts from the end."""

    def wrong(y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        x, n = np.zeros((kernel.shape[1], y.shape[1])), y.shape[1]
        for p, q in np.ndindex(n, kernel.shape[2]):
            by = q - kernel.shape[2] // 2
            place = p + by if into_place else p - by
            if place < n:
                into, of = (place, p) if into_place else (p, place)
                x[:, into] += kernel[:, :, q].T @ y[:, of]
        return x

    return wrong


WRONG = (
    ("not-reversed", lambda y, k: forward(y, k.swapaxes(0, 1)), forward),
    ("channels-not-swapped", given(forward, sign=-1)),
    ("circular", lambda y, k: forward(y, k.swapaxes(0, 1), -1, True)),
    ("circular", lambda y, k: forward(y, k.swapaxes(0, 1), 1, True)),
    ("inverse", _inverse),
    ("result-reversed", lambda y, k: adjoint(y, k)[:, ::-1], lambda y, k: forward(y[:, ::-1], k.swapaxes(0, 1))),
    ("result-reversed", lambda y, k: forward(y[:, ::-1], k.swapaxes(0, 1), -1)),
    ("off-by-one", lambda y, k: forward(shifted(y, 1), k.swapaxes(0, 1), -1)),
    ("off-by-one", lambda y, k: forward(shifted(y, -1), k.swapaxes(0, 1), -1), lambda y, k: shifted(adjoint(y, k), 1)),
    ("off-by-one", lambda y, k: shifted(adjoint(y, k), -1)),
    ("cropped-at-one-end", _cropped(slice(None)), _cropped(slice(None, None, -1))),
    ("negative-index", _wrapping(True), _wrapping(False)),
    ("averaged", lambda y, k: adjoint(y, k) / k.shape[2], lambda y, k: adjoint(y, k) / k.shape[0]),
    ("averaged", lambda y, k: adjoint(y, k) / k.shape[1], _covered),
    ("ends-repeated", _repeated),
    ("ends-lost", _inside),
    ("three-taps", _middle),
    ("channels-reversed", lambda y, k: adjoint(y, k)[::-1], lambda y, k: adjoint(y[::-1], k)),
    ("channels-reversed", lambda y, k: adjoint(y[::-1], k)[::-1]),
    ("reshaped", lambda y, k: adjoint(y, k.reshape(k.shape[1], k.shape[0], -1).swapaxes(0, 1))),
    ("channels-summed", lambda y, k: np.repeat(adjoint(y, k.sum(1, keepdims=True)), k.shape[1], axis=0)),
)
MESSAGES = """
not-reversed: The taps are not reversed. A tap that looks q places to the right in C sends its value q places to the
    right in y back to the *left*: reverse the kernel along its last axis.
channels-not-swapped: The taps are reversed, but the channels are not swapped: as for a matrix, output a to input b
    takes the entry [a, b] of the kernel. Swap its first two axes.
circular: Values that leave on one side come back on the other: that is the adjoint of the *circular* convolution. Here
    zeros are outside.
inverse: This undoes the convolution (a pseudo-inverse). The adjoint does not undo anything: it satisfies ⟨Cx, y⟩ = ⟨x,
    Cᵀy⟩, as the transpose of a matrix does.
result-reversed: The result is reversed: y (or the outcome) was turned around in place of the kernel.
off-by-one: Everything is one place too far to one side: for k taps the padding is (k − 1)/2 on either side.
cropped-at-one-end: The whole transposed convolution, which is k − 1 places longer, was cropped at one end only.
    (k − 1)/2 places go at either end: padding=(k − 1)/2.
negative-index: At one end values come back from the other: an index below 0 is no error in Python, it counts from the
    end. Leave such places out, as those beyond the last one.
averaged: The sum over channels or taps became a mean.
ends-repeated: Outside, the values at the ends are repeated. Here zeros are outside.
ends-lost: Near the ends nothing is computed. There the sum has fewer terms, and is not 0.
three-taps: Only the three taps in the middle are used. The kernel may have more.
channels-reversed: The channels come in the reverse order: flip the last axis alone.
reshaped: The kernel's first two axes are exchanged by reshape, which mixes the channels. Use transpose(0, 1).
channels-summed: All input channels get the same: the kernel was summed over them.
"""
PROBLEM = Problem(
    key="ps07.conv_adjoint",
    title="The adjoint of a convolution",
    criteria=(
        Criterion("one", "⟨Cx, y⟩ = ⟨x, Cᵀy⟩ with one channel", 1),
        Criterion("channels", "with as many channels out as in", 1),
        Criterion("different", "with different numbers of channels", 1),
    ),
    cases=cases,
    formula=adjoint,
    scales=((1e6, "y"), (1e-6, "y"), (1e6, "kernel"), (1e-6, "kernel")),
    pure="one",
    package_functions=("wgan_course.norms.conv_operator",),
    misconceptions=explained(WRONG, MESSAGES),
)
