"""The Python runtimes: a zygote that is forked, and the bootstrap that each fork runs."""
