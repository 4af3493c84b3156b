"""Reading logs: files, folders, streams and frames become chunks of events and rejected rows."""
