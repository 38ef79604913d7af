"""Backends that ship with eideploy; each is found by its entry point `eideploy.targets`."""
