"""Searching a model: exhaustively, by Hypothesis, and with mutants of its machines."""
