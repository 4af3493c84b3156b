"""What no sessionizer can save: read the needed columns with PyArrow, write a finished sessions table.

Run `python -m benchmarks.floor LOG OUT [COLUMN...]`. The finished table is an Arrow file beside
the output, `finished.arrow`, which costs next to nothing to map into memory; it is written with
the writer of sessionize.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from sessionize.writing.output import open_output
from sessionize.writing.target import output_target


def floor(log: Path, out: Path, columns: list[str]) -> None:
    """Read these columns of a log, and write the sessions that stand beside the output."""
    if log.suffix == ".csv":
        pyarrow.csv.read_csv(log, convert_options=pyarrow.csv.ConvertOptions(include_columns=columns))
    elif log.suffix == ".jsonl":
        texts = pa.schema([(column, pa.string()) for column in columns])
        named = pyarrow.json.ParseOptions(explicit_schema=texts, unexpected_field_behavior="ignore")
        pyarrow.json.read_json(log, parse_options=named)
    else:
        pq.read_table(log, columns=columns)
    with pa.memory_map(str(out.with_name("finished.arrow"))) as source:
        sessions = pa.ipc.open_file(source).read_all()
        with open_output(output_target(out), sessions.schema, metadata={}) as writer:
            writer.write(sessions)


if __name__ == "__main__":
    floor(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
