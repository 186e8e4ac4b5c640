"""The smaller figures: their mathematics as node runs it, against the package's numbers."""

import json

import torch

from wgan_course import divergences, transport

CELL = 0.05  # of the line on which boxes are compared


def node(run_node, tmp_path, name, truth):
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(truth))
    counts = run_node(f"{name}.test.js", TRUTH=str(file))
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
    rng = torch.Generator().manual_seed(0)
    pairs = [torch.randn(2, n, generator=rng, dtype=torch.float64) for n in (1, 2, 3, 3, 3, 8)]
    cases = [{"real": a.tolist(), "fake": b.tolist(), "w1": float(transport.wasserstein_1d(a, b))} for a, b in pairs]
    node(run_node, tmp_path, "dual_potential", cases)
