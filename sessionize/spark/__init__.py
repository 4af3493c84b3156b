"""One machine outgrown: the same sessions on Apache Spark.

`sessionize.run(…, engine="spark")` runs a job on a cluster. In Spark already, data frames go in and
come out:

    from sessionize.spark import sessionize

    sessions = sessionize(events, timeout="30m")
"""

from sessionize.spark.api import rejected, sessionize

__all__ = ["rejected", "sessionize"]
