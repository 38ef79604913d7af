"""Lava Processes with their ProcessModels, each family in a folder of its own and nothing beside.

For each process of a network Lava executes every file in the folder of that process (and for each
of them all files once more), looking for models: few files there make a network start quickly.
"""
