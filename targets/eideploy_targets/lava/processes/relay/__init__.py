"""The graded relay as a Lava Process."""
