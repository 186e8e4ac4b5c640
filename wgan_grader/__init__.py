"""What a submission must never see: the problems, the judge, the sandbox, and the road of a class's submissions.

`own` judges a student's function on public inputs, in the student's own process. `pipeline` grades a class: each
submission runs in a `sandbox` that mounts `wgan_course` and nothing of this package, and is judged here afterwards.
"""

import sys

# As in `wgan_cli.main`, for worker processes, which begin here: no notebook has a field of the format whose grammar
# jsonschema compiles for more than a second.
sys.modules.setdefault("rfc3987_syntax", None)  # pyright: ignore[reportArgumentType]
