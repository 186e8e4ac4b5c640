"""Problem set 3: the dual of optimal transport, and the critic."""
