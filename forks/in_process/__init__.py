"""A chain inside this process: real bytecode without a node, for tests that run it tens of thousands of times."""
