"""Clients of the private lab, for the tests of this folder."""

from tests.api_clients import create, functions

__all__ = ["create", "functions"]
