"""Problem set 6: gradient penalties."""
