"""Problem set 9: training as a vector field, its Jacobian, and the steps."""
