"""Functions that bring their own runtime: an executable named bootstrap, and the HTTP API that it talks to."""
