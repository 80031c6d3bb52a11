"""What Lambda would do with a load: the same decisions that the lab makes, without running anything."""
