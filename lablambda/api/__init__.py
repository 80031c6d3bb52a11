"""The door that speaks AWS's protocols."""
