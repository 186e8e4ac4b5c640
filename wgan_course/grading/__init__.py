"""Checks that name the misconception, and grades that a submission cannot write.

How a check flows::

    problem = registry.find("ps01.kl")                   # trusted side
    cases = problem.make_cases(rng, hidden=...)          # trusted: list[Case]
    request = problem.request(cases)                     # what may be seen: inputs, observer, guards
    exchange.write_request(request, folder)              # <folder>/ps01.kl.safetensors
    -------------------------------------------------- the sandbox (or the notebook itself)
    request = exchange.read_request(folder, key)
    observations = observe.observe_all(function, request)
    exchange.write_observations(key, observations, folder)
    --------------------------------------------------
    observations = exchange.read_observations(folder, key)   # raises exchange.ExchangeError, never runs code
    verdict = verdict.assess(problem, cases, observations)   # Verdict: criteria, misconceptions, points
    report.html(verdict, feedback=True)                      # no inputs, no expected values

In a student's notebook `check` does all of this in one process, on a public seed. With the environment variables
``WGAN_COURSE_OBSERVE_IN`` and ``WGAN_COURSE_OBSERVE_OUT`` set it does the middle part alone: it never imports
`problem`, `registry`, `verdict` or `problems`, which the sandbox hides.

Visible in the sandbox: `check`, `exchange`, `guards`, `observe`, `observers`, `reference`, `report`.
Trusted side only: `problem`, `problems`, `registry`, `verdict`, and what judges and keeps the grades.
"""

from .check import check
from .reference import or_reference

__all__ = ["check", "or_reference"]
