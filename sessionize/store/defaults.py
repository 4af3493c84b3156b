"""What the methods of a store take unless told otherwise."""

from datetime import timedelta

LOCK_TIMEOUT = timedelta(minutes=10)
"""How long to wait while another process writes."""

STEP = timedelta(days=7)
"""How many days one commit of a backfill brings in."""

KEEP = timedelta(days=7)
"""How long a file stays after no version needs it any more: Delta's own default."""
