"""Problem set 1: why the Jensen–Shannon divergence saturates."""
