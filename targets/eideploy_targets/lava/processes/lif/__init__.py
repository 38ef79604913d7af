"""LIF neurons and integrators as Lava Processes."""
