"""Places that hold execution environments."""
