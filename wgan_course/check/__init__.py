"""A student's own check, and what a submission does in the grader's sandbox: call a function, record what it does.

How a check flows; the left of each pair runs where the student's code runs, the right where the judge is::

    check("ps01.kl", kl)  ->  request of the judge: inputs, observer, guards
    observe.observe_all(function, request)  ->  observations, plain arrays and words
    report.show(verdict)  <-  verdict of the judge: criteria, misconceptions, points

In a notebook both sides run in one process, on a public seed: the judge is found through the entry point
``wgan_course.judge``, which `wgan_grader` fills. With the environment variables ``WGAN_COURSE_OBSERVE_IN`` and
``WGAN_COURSE_OBSERVE_OUT`` set, as in the sandbox, `check` reads the request from a file, records the observations in
another, and asks no judge; `wgan_grader` is not mounted there.
"""

from .checking import check, failing_input
from .reference import or_reference

__all__ = ["check", "failing_input", "or_reference"]
