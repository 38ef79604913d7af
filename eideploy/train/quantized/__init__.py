"""Quantization-aware fine-tuning: a run is trained further as the integer Program it becomes.

The only part of training that knows the compiler; nothing else of it depends on this.
"""

from eideploy.train.quantized.finetune import finetune, finetune_recipe

__all__ = ["finetune", "finetune_recipe"]
