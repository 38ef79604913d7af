"""An oracle of its own: what a network does, in scalar integers and fractions of Python.

It shares no code with the executors, takes documents of plain numbers, and needs nothing but the
standard library. One neuron is updated at a time; every number is exact.
"""
