"""Two executors of a Program: `reference` (plain NumPy, the definition) and `twin` (torch, fast).

They share no arithmetic: the twin is held against the reference, bit for bit in integers.
"""
