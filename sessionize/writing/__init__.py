"""Writing tables: a file per format, and a temporary name until all is written."""
