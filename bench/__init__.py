"""Measurements of wirecopy: one module per question, their results committed in `bench/results/`."""
