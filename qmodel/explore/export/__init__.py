"""A second opinion: a searched system written down for other model checkers, and what they say about it.

`system` reads the tables of a finished native search as a closed system of small numbers; `promela` and `tla` write
it; `spin` runs SPIN on it; `crosscheck` compares.  The state space is explored again from the initial state by
somebody else's search, so what is checked is our search: its visited set, its packing, its counts and its verdict.
What the steps *mean* was learned from the same Python, and has only one source.
"""
