"""What runs a function's code: one folder a language, each with a `runtime.py` and a `bootstrap.*`."""
