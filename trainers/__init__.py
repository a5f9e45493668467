"""Training over the harness: the same renderer writes the data, the same scorers will judge the result."""
