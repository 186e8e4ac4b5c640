"""The graded functions: one folder a problem set, one file a function. Never visible in the sandbox."""
