"""Problem set 4: Lipschitz functions and networks."""
