"""The smaller figures: their mathematics as node runs it, against the package's numbers."""

import json
import math

import torch

from wgan_course import divergences, dynamics, norms, transport

CELL = 0.05  # of the line on which boxes are compared


def rng(number):
    return torch.Generator().manual_seed(number)


def node(run_node, tmp_path, name, truth):
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(truth))
    counts = run_node(f"{name}.test.mjs", TRUTH=str(file))
    assert counts["skipped"] == 0


def box(centre, width):
    """A box on cells from −6 to 6, as probabilities; a point takes one cell."""
    cells = torch.arange(-120, 120, dtype=torch.float64)
    half = max(1, round(width / CELL)) / 2
    middle = cells + 0.5 - centre / CELL
    inside = (middle.abs() < half).to(torch.float64) if width else (cells == round(centre / CELL)).to(torch.float64)
    return inside / inside.sum()


def two_masses(theta, width):
    p, q = box(0, width), box(theta, width)
    places = CELL * torch.arange(len(p), dtype=torch.float64)
    kl = float(divergences.kl(p, q))
    return {
        "theta": theta,
        "width": width,
        "js": float(divergences.js(p, q)),
        "tv": float(divergences.tv(p, q)),
        "w1": float(transport.wasserstein_1d(places, places, p, q)),
        "kl": kl if kl < float("inf") else None,
    }


def test_two_masses(run_node, tmp_path):
    cases = [two_masses(theta, width) for theta in (0.0, 0.3, -0.5, 1.0, 2.5, -4.0) for width in (0.0, 0.2, 1.0, 2.0)]
    node(run_node, tmp_path, "two_masses", cases)


def test_dual_potential(run_node, tmp_path):
    pairs = [torch.randn(2, n, generator=rng(k), dtype=torch.float64) for k, n in enumerate((1, 2, 3, 3, 3, 8))]
    cases = [{"real": a.tolist(), "fake": b.tolist(), "w1": float(transport.wasserstein_1d(a, b))} for a, b in pairs]
    node(run_node, tmp_path, "dual_potential", cases)


def turned_matrix(values, basis, turn):
    """The matrix with these singular values whose first two right singular vectors have turned."""
    rotation = torch.eye(len(values), dtype=torch.float64)
    cos, sin = math.cos(turn), math.sin(turn)
    rotation[:2, :2] = torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)
    left = torch.linalg.qr(torch.randn(len(values), len(values), generator=rng(2), dtype=torch.float64)).Q
    return left @ torch.diag(values) @ (basis @ rotation).T


def power_estimates(kind, ratio, angle, turn, steps=12):
    many = torch.linspace(2 * ratio, min(0.1, 2 * ratio), 19, dtype=torch.float64)
    values = torch.cat([torch.tensor([2.0], dtype=torch.float64), many if kind == "many" else many[:1]])
    size = len(values)
    basis = torch.linalg.qr(torch.randn(size, size, generator=rng(1), dtype=torch.float64)).Q
    first = torch.full((size,), math.sin(angle) / math.sqrt(size - 1), dtype=torch.float64)
    first[0] = math.cos(angle)
    v, estimates = basis @ first, []
    for k in range(steps + 1):
        found = norms.power_iteration(turned_matrix(values, basis, k * turn), v=v, steps=min(k, 1))
        v = found.v
        estimates.append(float(found.sigma))
    return {"kind": kind, "ratio": ratio, "angle": angle, "turn": turn, "estimates": estimates}


def test_power_iteration(run_node, tmp_path):
    settings = [("two", 0.8, 1.4, 0.0), ("two", 0.5, 0.3, 0.1), ("many", 0.9, 1.2, 0.0), ("many", 0.7, 1.0, 0.05)]
    node(run_node, tmp_path, "power_iteration", [power_estimates(*setting) for setting in settings])


OPTIONS = {
    "clip": "clip",
    "gp": "weight",
    "lp": "weight",
    "r1": "weight",
    "instance-noise": "std",
    "consensus": "weight",
}
RUNS = (
    {"rate": 0.1, "criticSteps": 1, "alternating": False},
    {"rate": 0.3, "criticSteps": 3, "alternating": True},
    {"rate": 0.2, "criticSteps": 2, "alternating": False},
)


def dirac(name, parameter=0.7):
    variant = dynamics.make(name, **({OPTIONS[name]: parameter} if name in OPTIONS else {}))
    places = [(0.0, 0.0), (1.0, 1.0), (-0.4, 1.7), (2.0, -0.3), (-1.5, -2.0)]
    values = [[float(part) for part in variant.field(*at)] for at in places]
    first = variant.eigenvalues()[0]
    runs = [
        setting
        | {
            "states": dynamics.simulate(
                variant,
                (1.2, -0.5),
                25,
                setting["rate"],
                alternating=setting["alternating"],
                n_critic=setting["criticSteps"],
            ).tolist()
        }
        for setting in RUNS
    ]
    return {
        "name": name,
        "parameter": parameter,
        "fields": [{"at": at, "value": value} for at, value in zip(places, values, strict=True)],
        "real": float(first.real),
        "imaginary": abs(float(first.imag)),
        "runs": runs,
    }


def test_dirac(run_node, tmp_path):
    node(run_node, tmp_path, "dirac", [dirac(name) for name in dynamics.NAMES])


def test_piles(run_node, tmp_path):
    cases = []
    for seed in range(6):
        piles, holes, a, b = torch.rand(4, 3, generator=rng(seed), dtype=torch.float64)
        a, b, (piles, _), (holes, _) = a / a.sum(), b / b.sum(), piles.sort(), holes.sort()
        cost = transport.cost_matrix(piles[:, None], holes[:, None])
        value = float(transport.solve(cost, a, b).value)
        cases.append({"piles": piles, "holes": holes, "a": a, "b": b} | {"value": value})
    plain = [{key: getattr(one, "tolist", lambda one=one: one)() for key, one in case.items()} for case in cases]
    node(run_node, tmp_path, "piles", plain)
