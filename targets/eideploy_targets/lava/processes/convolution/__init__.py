"""Convolution as a Lava Process."""
