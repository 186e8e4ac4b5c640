"""Versions of ``conditional_interpolates`` that students write."""

import torch

from ..registry import Trials


def wide(e, x):
    return e.view(-1, *[1] * (x.dim() - 1))


def between(x, y, e):
    e = wide(e, x)
    return e * x + (1 - e) * y


def places(a, b):
    found = torch.empty_like(a)
    found[a.argsort(stable=True)] = b.argsort(stable=True)
    return found


def right(r, f, a, b, e):
    return between(r, f[places(a, b)], e)


def by_class(r, f, a, b, e):
    partner = torch.zeros_like(r)
    for label in a.unique():
        partner[a == label] = f[b == label]
    return partner + wide(e, r) * (r - partner)


def by_queues(r, f, a, b, e):
    queues = {int(c): list(torch.nonzero(b == c)[:, 0]) for c in b.unique()}
    rows = [e[i] * r[i] + (1 - e[i]) * f[queues[int(a[i])].pop(0)] for i in range(len(r))]
    return torch.stack(rows)


def by_ranks(r, f, a, b, e):
    order = a.argsort(stable=True).argsort()
    return between(r, f[b.argsort(stable=True)][order], e)


def by_numpy(r, f, a, b, e):
    x, y = r.numpy(), f.numpy()
    out = x.copy()
    for label in set(a.tolist()):
        i, j = (a == label).numpy(), (b == label).numpy()
        w = e.numpy()[i].reshape(-1, *[1] * (x.ndim - 1))
        out[i] = w * x[i] + (1 - w) * y[j]
    return out


def in_place(r, f, a, b, e):
    partner = f[places(a, b)]
    r -= partner
    return partner + wide(e, r) * r


def sorted_all(r, f, a, b, e):
    i, j = a.argsort(stable=True), b.argsort(stable=True)
    return between(r[i], f[j], e)


def sorted_with_epsilon(r, f, a, b, e):
    i, j = a.argsort(stable=True), b.argsort(stable=True)
    return between(r[i], f[j], e[i])


def first(r, f, a, b, e):
    return between(r, torch.stack([f[torch.nonzero(b == label)[0, 0]] for label in a]), e)


TRIALS = Trials("ps10.conditional_interpolates")
TRIALS.mutants("ignores-labels", by_place=lambda r, f, a, b, e: between(r, f, e))
TRIALS.mutants("epsilon-swapped", swapped=lambda r, f, a, b, e: right(r, f, a, b, 1 - e))
TRIALS.mutants("one-epsilon", first=lambda r, f, a, b, e: right(r, f, a, b, e[:1].expand_as(e)))
TRIALS.mutants("label-order", sorted_all=sorted_all, with_epsilon=sorted_with_epsilon)
TRIALS.mutants("inverse-permutation", inverse=lambda r, f, a, b, e: between(r, f[places(b, a)], e))
TRIALS.mutants("first-of-class", first_of_class=first)
TRIALS.mutants("fake-order", fake_order=lambda r, f, a, b, e: between(r[places(b, a)], f, e))
TRIALS.mutants("extrapolates", beyond=lambda r, f, a, b, e: right(r, f, a, b, 1 + e))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:error", columns=lambda r, f, a, b, e: e[:, None] * r + (1 - e[:, None]) * f[places(a, b)])
TRIALS.mutants("generic:which", inside=lambda r, f, a, b, e: right(r, f, a, b, e.clamp(0.05, 0.95)))
TRIALS.alternatives(right=right, by_class=by_class, by_queues=by_queues, by_ranks=by_ranks, by_numpy=by_numpy)


def by_loop(labels=torch.unique, turn=lambda chosen: chosen, shares=lambda e, a, b: e):
    def paired(real, fake, real_labels, fake_labels, epsilon):
        chosen = fake.clone()
        for label in labels(real_labels):
            chosen[real_labels == label] = turn(fake[fake_labels == label])
        return between(real, chosen, shares(epsilon, real_labels, fake_labels))

    return paired


def order(labels):
    return labels.argsort(stable=True)


TRIALS.mutants("counted-from-the-end", turned=by_loop(turn=lambda chosen: chosen.flip(0)))
TRIALS.mutants("labels-left-out", ten=by_loop(lambda a: range(10)), maximum=by_loop(lambda a: range(int(a.max()))))
TRIALS.mutants("epsilon-order", sorted_too=by_loop(shares=lambda e, a, b: e[order(a)]))
TRIALS.mutants("one-sorted", fake=lambda r, f, a, b, e: between(r, f[order(b)], e))
TRIALS.mutants(
    "inverse-permutation",
    order_of_order=lambda r, f, a, b, e: wide(e, r) * r + (1 - wide(e, r)) * f[order(b)[order(a)]],
)
TRIALS.alternatives(by_loop=by_loop())


def epsilon_by_class(r, f, a, b, e):
    out = torch.empty_like(r)
    first, second = a.argsort(stable=True), b.argsort(stable=True)
    out[first] = between(r[first], f[second], e)
    return out


def unstable(r, f, a, b, e):
    partner = torch.empty_like(r)
    some = torch.Generator().manual_seed(5)
    for label in a.unique():
        places = (b == label).nonzero()[:, 0]
        partner[a == label] = f[places[torch.randperm(len(places), generator=some)]]
    return between(r, partner, e)


TRIALS.mutants("epsilon-order", epsilon_by_class=epsilon_by_class)
TRIALS.mutants("another-of-the-class", unstable=unstable)


def ten_classes(r, f, a, b, e):
    result = torch.zeros_like(r)
    for label in range(10):
        here = a == label
        result[here] = between(r[here], f[b == label], e[here])
    return result


TRIALS.mutants("labels-left-out", ten_classes=ten_classes)
