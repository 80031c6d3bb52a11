"""The Node.js runtimes."""
