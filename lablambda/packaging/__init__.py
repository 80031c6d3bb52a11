"""From source to package: zips, layers, and the store that unpacks each once."""
