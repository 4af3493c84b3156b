"""The sessions table that nightly runs and backfills keep: a Delta Lake table and its ledger."""
