"""The house around the package: sample data, examples in the docs, links, versions and bounds."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import sessionize
from sample_data import make_sample
from tests.command_line import call
from tests.pages import blocks, write_files

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_data"
SPARK = ROOT / "docs" / "spark.md"
"""Its examples have a session, as people who read it do."""
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    SAMPLE / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(pyproject["project"])


def _makefile_variable(name: str) -> str:
    return str(
        re.findall(rf"^{name} := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0]
    )


def _shown_output() -> str:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return str(
        re.findall(r"<!-- output:make run -->\n```text\n(.*?)```\n<!-- /output -->", page, re.DOTALL)[0]
    )


def _daily_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "daily").iterdir())}


def test_sample_comes_out_the_same_from_its_seed(tmp_path: Path) -> None:
    make_sample.write(tmp_path)

    assert _daily_files(tmp_path) == _daily_files(SAMPLE)
    assert pq.read_table(tmp_path / "events.parquet").equals(pq.read_table(SAMPLE / "events.parquet"))


def test_daily_files_of_the_sample_hold_the_rows_of_its_parquet_file() -> None:
    whole = pq.read_table(SAMPLE / "events.parquet")
    reading = pyarrow.csv.ConvertOptions(
        column_types=whole.schema, strings_can_be_null=True, quoted_strings_can_be_null=False
    )

    daily = [
        pyarrow.csv.read_csv(path, convert_options=reading) for path in sorted((SAMPLE / "daily").iterdir())
    ]

    assert pa.concat_tables(daily).equals(whole)


def test_readme_of_the_sample_says_its_true_counts() -> None:
    counts = make_sample.describe(make_sample.make_log())

    assert counts in (SAMPLE / "README.md").read_text(encoding="utf-8")


def test_readme_shows_what_make_run_prints(tmp_path: Path) -> None:
    """All but the line of time and memory, which differs from run to run."""
    command, show = _makefile_variable("RUN"), _makefile_variable("SHOW")
    shutil.copytree(SAMPLE, tmp_path / "sample_data")
    (tmp_path / "build").mkdir()

    summary = call(*shlex.split(command)[1:], cwd=tmp_path).stderr
    rows = subprocess.check_output([sys.executable, "-c", show], cwd=tmp_path, text=True)

    said, _, shown = _shown_output().partition("\n\n")
    assert said == f"$ {command}\n" + re.sub(r"(?m)^took .*", "took      …", summary.rstrip())
    assert shown.partition("\n")[2] == rows


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_python_examples_print_what_the_page_says(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    """All examples of a page run in one namespace, beside sample_data/ and the files that it shows."""
    known = {"spark": request.getfixturevalue("spark")} if page == SPARK else {}
    shutil.copytree(SAMPLE, tmp_path / "sample_data")
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks(page, "python"))
    examples = doctest.DocTestParser().get_doctest(code, known, page.name, str(page), 0)

    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        examples
    )

    assert failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_python_block_is_an_example_that_runs(page: Path) -> None:
    assert [block for block in blocks(page, "python") if not block.startswith(">>> ")] == []


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))

    assert named <= targets


def test_every_public_name_is_documented() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")

    assert [name for name in sessionize.__all__ if f"`{name}" not in page] == []


def test_every_dependency_has_a_lower_bound(project: dict[str, Any]) -> None:
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]

    unbounded = [name for name in project["dependencies"] + extras if ">=" not in name]

    assert unbounded == ["sessionize[test,bench,docs]"]
