"""Measurements, run by hand and by `make bench`: ratios side by side in one run, and no tests."""
