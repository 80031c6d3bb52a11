"""Putting a function under load: requests at their moments, and what became of each."""
