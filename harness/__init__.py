"""Holdout: grades submissions of one Transformer-pretraining assignment without ever running them beside a verdict.

Importing this package, or anything in it but `harness.probes.<topic>` and the worker's side of `harness.sandbox`, never
imports torch and never runs student code.
"""
