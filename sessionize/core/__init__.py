"""The core: pure functions on columns that cut, merge and walk, and make sessions of what comes out."""
