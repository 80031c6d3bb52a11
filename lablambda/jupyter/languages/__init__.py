"""The languages that a cell may be written in: one file each, with one function `read`."""
