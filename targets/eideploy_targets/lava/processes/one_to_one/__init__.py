"""One-to-one synapses as a Lava Process."""
