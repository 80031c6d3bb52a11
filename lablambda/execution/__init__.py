"""Execution environments: one process each, one event at a time."""
