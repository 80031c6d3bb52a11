"""The Node.js runtimes: processes kept in reserve, and the bootstrap that they run."""
