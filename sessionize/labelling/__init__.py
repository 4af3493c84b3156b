"""Every row of a log, with the session that it belongs to."""
