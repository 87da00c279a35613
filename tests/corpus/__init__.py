"""Leaks with known truth: made up, adversarial, the same for the same seed. Tests and benchmarks measure on them."""
