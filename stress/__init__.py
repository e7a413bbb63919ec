"""The crash: scenarios, liquidators, the engine, residual debt and its causes. Holds no formula of a protocol."""
