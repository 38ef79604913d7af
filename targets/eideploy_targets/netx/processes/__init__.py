"""Lava processes of the target `netx`, alone in their folder: Lava executes all files in it."""
