"""Versions of ``steps_needed`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def ratio(s):
    top = s.max()
    return float(s[s < top].max() / top)


def right(s, tangent, error):
    k = math.log(tangent**2 / error) / (4 * math.log(1 / ratio(s)))
    return max(0, math.ceil(k))


def counting(s, tangent, error):
    r, k = ratio(s) ** 4, 0
    while r**k * tangent**2 > error:
        k += 1
    return k


def unique(s, tangent, error):
    values = torch.unique(s)
    rho = (values[-2] / values[-1]) ** 2
    return torch.ceil((2 * math.log(tangent) - math.log(error)) / (-2 * rho.log())).clamp(min=0)


def by_numpy(s, tangent, error):
    values = np.unique(s.numpy())
    return int(max(np.ceil(np.log(error / tangent**2) / np.log((values[-2] / values[-1]) ** 4)), 0))


def with_exponent(power, tangent_power):
    def steps(s, tangent, error):
        bound, k = tangent**tangent_power, 0
        while bound > error and k < 5000:
            bound, k = bound * ratio(s) ** power, k + 1
        return k

    return steps


def first_two(s, tangent, error):
    r = float(s[1] / s[0])
    return max(0.0, float(np.ceil(np.log(tangent**2 / error) / (-4 * np.log(np.float64(r))))))


def second(s, tangent, error):
    top = torch.sort(s, descending=True).values
    if top[0] == top[1]:
        return math.inf
    return right(s, tangent, error)


def whole(s, tangent, error):
    return math.log(tangent**2 / error) / (-4 * math.log(ratio(s)))


def smallest(s, tangent, error):
    return max(0, math.ceil(math.log(tangent**2 / error) / (4 * math.log(s.max() / s.min()))))


def tie_is_done(s, tangent, error):
    top = torch.sort(s, descending=True).values
    return 0 if top[0] == top[1] else right(s, tangent, error)


def in_place(s, tangent, error):
    s.copy_(s.sort(descending=True).values)
    return right(s, tangent, error)


TRIALS = Trials("ps07.steps_needed")
TRIALS.mutants("plain-rate", seed=with_exponent(1, 2), plain=with_exponent(1, 1))
TRIALS.mutants("vector-rate", vector=with_exponent(2, 2))
TRIALS.mutants("tangent-not-squared", tangent=with_exponent(4, 1))
TRIALS.mutants("root-of-the-bound", root=with_exponent(2, 1))
TRIALS.mutants("fourth-power-of-rho", eighth=with_exponent(8, 2))
TRIALS.mutants("floor", truncated=lambda s, t, e: max(0, int(whole(s, t, e))), down=lambda s, t, e: right(s, t, e) - 1)
TRIALS.mutants("not-whole", real=whole)
TRIALS.mutants("one-more", one_more=lambda s, t, e: right(s, t, e) + 1)
TRIALS.mutants("assumes-sorted", first_two=first_two)
TRIALS.mutants("smallest", condition_number=smallest)
TRIALS.mutants("tie-never", second=second)
TRIALS.mutants("tie-at-once", zero=tie_is_done)
TRIALS.mutants("negative", negative=lambda s, t, e: math.ceil(whole(s, t, e)))
TRIALS.mutants("at-least-one", at_least_one=lambda s, t, e: max(1, right(s, t, e)))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants(
    "strict", floor_and_one=lambda *a: right(*a) + (a[1] ** 2 == a[2]) + (a[2] in (2.0**-4, 2.0**-8) and a[1] == 1)
)
TRIALS.mutants("generic:direction", at_most_1000=lambda *a: min(right(*a), 1000))
TRIALS.alternatives(right=right, counting=counting, unique=unique, by_numpy=by_numpy)


def guarded_logarithm(singular_values, tangent, error):
    ratio = float(singular_values[singular_values < singular_values.max()].max() / singular_values.max())
    return max(0, math.ceil(math.log(tangent**2 / error) / (-4 * math.log(ratio) + 1e-8)))


TRIALS.mutants("generic:precision", guarded_logarithm=guarded_logarithm)
