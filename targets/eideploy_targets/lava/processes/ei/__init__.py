"""The E-I neuron as a Lava Process."""
