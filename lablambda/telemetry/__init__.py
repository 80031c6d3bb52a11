"""Logs, figures and history, kept beside the invoke path."""
