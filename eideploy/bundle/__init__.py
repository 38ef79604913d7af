"""Bundles: a network and what it did on one machine, to be held against what it does on another.

A bundle is a folder in which no byte can be changed unnoticed. It holds the graph, the float
Program, the stimulus, and the traces of every form of the network that needs torch or a GPU.
"""

from eideploy.bundle.difference import difference
from eideploy.bundle.load import Bundle, load_bundle
from eideploy.bundle.manifest import SCHEMA, FormName, Manifest
from eideploy.bundle.record import Form, Subject, record
from eideploy.bundle.seal import is_bundle
from eideploy.bundle.traces import RecordedTrace

__all__ = [
    "SCHEMA",
    "Bundle",
    "Form",
    "FormName",
    "Manifest",
    "RecordedTrace",
    "Subject",
    "difference",
    "is_bundle",
    "load_bundle",
    "record",
]
