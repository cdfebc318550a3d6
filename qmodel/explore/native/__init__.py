"""The native search: packed states, learned steps as tables, loops in machine code.

`components` -> `situations` -> `tables` -> `kernels` <- `engine`.  Nothing here knows what a step means: the tables are
learned from `LearnedSteps` and `Judge`, whenever the loops meet a situation that they do not know.  Numba is imported
by `kernels` alone, and `kernels` only when a search has outgrown plain Python.
"""
