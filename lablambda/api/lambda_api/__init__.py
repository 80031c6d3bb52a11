"""Lambda's operations, a file a subject; `table.py` lists them all."""
