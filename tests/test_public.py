"""Public names are a promise: what is exported changes only together with this list."""

from __future__ import annotations

import importlib

import pytest

PUBLIC = {
    "eideploy.cells": """
        AvgPool2d EICircuit EIConv2d EILinear InputStatistics LIF LIFCell Reset ResidualBlock
        Stabilizer ei_init_ ei_init_network_ he_init_network_ input_statistics lif_parameters
        lif_step non_negative_parameters project_
    """,
    "eideploy.train": """
        Cost Dataset Recipe Run accuracy build_network calibrate_floors cost_of find_dataset freeze
        freeze_network list_datasets list_models list_recipes load_recipe load_run override
        parse_recipe present record_network to_graph train use_data_folder
    """,
    "eideploy.train.importing": """
        Imported import_checkpoint
    """,
    "eideploy.graph": """
        EIConv2d EILinear Finding GraphDescription GraphWarning NodeDescription
        SoftResetCubaLIF SoftResetIF SoftResetLIF TimeConstant check describe graph_dt read
        reset_kind subtract_on_reset write
    """,
    "eideploy.graph.export": """
        Form calibrate_shunt_means export node_names
    """,
    "eideploy.program": """
        Array Conv2d Dense EINeuron EINeuronFixed Identity Integrator IntegratorFixed LIFNeuron
        LIFNeuronFixed Neuron Operator Population Program Projection Recording Relay Source
        Stimulus Trace encode load_program load_stimulus load_trace planar save_program
        save_stimulus save_trace
    """,
    "eideploy.compile": """
        Calibration CompileOptions Mapping Pass float_pipeline integer_pipeline run_passes
    """,
    "eideploy.bundle": """
        Bundle Form FormName Manifest RecordedTrace SCHEMA Subject difference is_bundle
        load_bundle record
    """,
    "eideploy.conform": """
        Case Conformance KnownDifferences Result Status conform known_differences run_case
    """,
    "eideploy.jobs": """
        Crew Journal Plan cache_folder digest in_order run_tasks source
    """,
    "eideploy.simulate.twin": """
        has_cuda run
    """,
    "eideploy.targets": """
        Availability FileFormat Target chip_names load_chip load_target require target_names
        writer
    """,
    "eideploy.verify": """
        Accuracy Artifact Divergence Hop Limits Measurement PopulationMeasurement
        PopulationResult Report SCHEMA Specimen Verification Wire compare from_document judge
        measure merge table to_document to_html to_junit verify write_html write_json write_junit
    """,
}


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_are_those_that_were_promised(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PUBLIC[package].split()
    for name in module.__all__:
        assert getattr(module, name) is not None
