"""The embedded engine: one machine, a thread for each core, memory within limits."""
