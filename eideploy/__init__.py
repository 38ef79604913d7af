"""eideploy: take a spiking network from PyTorch to neuromorphic hardware and prove it arrived."""

__version__ = "0.1.0"
