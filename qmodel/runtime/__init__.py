"""The same steps on real threads: real locks, eventfds and files move the state vector of the model.

One lock makes a step atomic (`engine`); waiting, time and I/O happen outside it, on the real things
(`mechanisms`, `threads`).  What was committed is a list of choices, so that every run replays as a path of the model
(`recorder`, `conformance`), and a path can be forced onto the threads (`gates`).
"""
