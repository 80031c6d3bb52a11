"""The Java runtimes: JVMs kept in reserve, the bootstrap that they run, and the compiler of cells."""
