"""The Ruby runtimes: a process kept in reserve, and the bootstrap that it runs."""
