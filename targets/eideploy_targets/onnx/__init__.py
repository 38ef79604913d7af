"""Targets `onnx` and `onnx-fixed`: a Program as one ONNX model, run by onnxruntime.

Importing this needs neither; they are imported when a Program is run or written.
"""

from eideploy_targets.onnx.target import Onnx, OnnxFixed

__all__ = ["Onnx", "OnnxFixed"]
