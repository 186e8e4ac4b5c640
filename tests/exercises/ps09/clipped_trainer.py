"""Versions of ``clipped_trainer`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(theta, target, steps, step_size, clip):
    slope, path = 0.0, [theta]
    for _ in range(steps):
        slope = slope + step_size * (target - theta)
        slope = max(-clip, min(clip, slope))
        theta = theta + step_size * slope
        path.append(theta)
    return torch.tensor(path, dtype=torch.float64)


def as_list(*values):
    return right(*values).tolist()


def by_tensors(theta, target, steps, step_size, clip):
    path = torch.full((steps + 1,), theta, dtype=torch.float64)
    slope = torch.zeros(())
    for k in range(steps):
        slope = torch.clamp(slope - step_size * (path[k] - target), -clip, clip)
        path[k + 1] = path[k] + step_size * slope
    return path


def large_on_fakes(theta, target, steps, step_size, clip):
    """The mirrored convention, in both players: the same path."""
    slope, path = 0.0, [theta]
    for _ in range(steps):
        slope = float(np.clip(slope + step_size * (theta - target), -clip, clip))
        theta -= step_size * slope
        path.append(theta)
    return np.array(path)


def by_losses(theta, target, steps, step_size, clip):
    """Gradients of the losses, from autograd and an optimiser."""
    slope = torch.zeros((), dtype=torch.float64, requires_grad=True)
    point = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    critic, generator = torch.optim.SGD([slope], lr=step_size), torch.optim.SGD([point], lr=step_size)
    path = [point.item()]
    for _ in range(steps):
        for optimiser, loss in (
            (critic, lambda: slope * point.detach() - slope * target),
            (generator, lambda: -slope.detach() * point),
        ):
            optimiser.zero_grad()
            loss().backward()
            optimiser.step()
            slope.data.clamp_(-clip, clip)
        path.append(point.item())
    return torch.tensor(path)


def script(theta, target, steps, step_size, clip):
    slope, path = 0.0, [theta]
    for _ in range(steps):
        slope = slope + step_size * (target - theta)
        theta = theta - step_size * slope
        path.append(theta)
    return torch.tensor(path, dtype=torch.float64)


def variant(sign=1, bound=None, gradient=None, late=False, old=False):
    def trained(theta, target, steps, step_size, clip):
        slope, path = 0.0, [theta]
        for _ in range(steps):
            before, pull = slope, target - theta
            slope = slope + step_size * (pull if gradient is None else gradient(pull, clip))
            bounded = slope if bound is None else bound(slope, clip)
            theta = theta + sign * step_size * (before if old else slope if late else bounded)
            slope = bounded
            path.append(theta)
        return torch.tensor(path, dtype=torch.float64)

    return trained


def both(x, c):
    return max(-c, min(c, x))


def clips_theta(theta, target, steps, step_size, clip):
    slope, path = 0.0, [theta]
    for _ in range(steps):
        slope = slope + step_size * (target - theta)
        theta = both(theta + step_size * slope, clip)
        path.append(theta)
    return torch.tensor(path, dtype=torch.float64)


def generator_first(theta, target, steps, step_size, clip):
    slope, path = 0.0, [theta]
    for _ in range(steps):
        path.append(path[-1] + step_size * slope)
        slope = both(slope + step_size * (target - path[-1]), clip)
    return torch.tensor(path, dtype=torch.float64)


def forgets(theta, target, steps, step_size, clip):
    path = [theta]
    for _ in range(steps):
        slope = both(step_size * (target - path[-1]), clip)
        path.append(path[-1] + step_size * slope)
    return torch.tensor(path, dtype=torch.float64)


TRIALS = Trials("ps09.clipped_trainer")
TRIALS.mutants("unchanged", script=script)
TRIALS.mutants("still-the-sign", sign=variant(-1, both))
TRIALS.mutants("no-clip", no_clip=variant())
TRIALS.mutants("clips-the-gradient", gradient=variant(gradient=both))
TRIALS.mutants("clips-theta", theta=clips_theta)
TRIALS.mutants("above-only", above=variant(bound=min), below=variant(bound=lambda x, c: max(x, -c)))
TRIALS.mutants("zero-to-clip", positive=variant(bound=lambda x, c: max(0.0, min(c, x))))
TRIALS.mutants("too-late", late=variant(bound=both, late=True))
TRIALS.mutants("simultaneous", old=variant(bound=both, old=True))
TRIALS.mutants("generator-first", generator_first=generator_first)
TRIALS.mutants("slope-forgotten", forgets=forgets)
TRIALS.mutants(
    "length", no_start=lambda *v: right(*v)[1:], last=lambda *v: right(*v)[-1], end=lambda *v: right(*v)[:-1]
)
TRIALS.alternatives(
    right=right, as_list=as_list, by_tensors=by_tensors, large_on_fakes=large_on_fakes, by_losses=by_losses
)


def whole_numbers(theta, target, steps, step_size, clip):
    path, slope = torch.full((steps + 1,), theta), 0.0
    for step in range(steps):
        slope = max(-clip, min(clip, slope + step_size * (target - theta)))
        theta = theta + step_size * slope
        path[step + 1] = theta
    return path


TRIALS.mutants("generic:factor", whole_numbers=whole_numbers)


def a_hundred(theta, target, steps, step_size, clip):
    path = right(theta, target, min(steps, 100), step_size, clip)
    return torch.cat([path, path[-1:].expand(steps + 1 - len(path))])


TRIALS.mutants("generic:value", a_hundred=a_hundred)
