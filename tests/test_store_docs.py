"""What docs/operations.md and docs/store.md show works: their command lines run, their files parse."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sessionize as sz
from sessionize.store.metrics import metrics
from tests.command_line import ROOT, environment

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
STORE = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
PROGRAM = f'sessionize() {{ {sys.executable} -m sessionize "$@"; }}'


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lines of a page in bash, with /srv in a folder of the test's own."""
    return subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{PROGRAM}\n{script.replace('/srv', str(folder / 'srv'))}"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    """A folder with sample_data/ and srv/, in which the logs of the sample are."""
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    shutil.copytree(ROOT / "sample_data" / "daily", tmp_path / "srv" / "logs")
    (tmp_path / "srv" / "metrics").mkdir()
    return tmp_path


SHELL_EXAMPLES = [line for block in blocks(STORE, "sh") for line in block.splitlines()]


@pytest.mark.parametrize("example", SHELL_EXAMPLES)
def test_shell_examples_of_the_store_work(example: str, srv: Path) -> None:
    ended = shell(example, srv)

    assert ended.returncode == 0, ended.stderr


def test_changing_the_rules_works_as_the_page_says(srv: Path) -> None:
    (script,) = blocks(OPERATIONS, "sh")

    ended = shell(script, srv)

    assert ended.returncode == 0, ended.stderr
    assert sz.SessionStore(srv / "srv" / "sessions").status().rules.as_dict()["timeout"] == "15m"
    assert (srv / "srv" / "sessions-1").is_dir()


CRON = [line for line in blocks(OPERATIONS, "cron")[0].splitlines() if not line.startswith("MAILTO")]
(AIRFLOW,) = blocks(OPERATIONS, "py")
NIGHTLY = {
    "cron": [line.split(None, 5)[5].replace(r"\%", "%") for line in CRON],
    "systemd": [re.findall(r"^ExecStart=/usr/local/bin/(.*)$", OPERATIONS, re.MULTILINE)[0]],
    "airflow": re.findall(r'return "(.*)"', AIRFLOW),
}


@pytest.mark.parametrize("commands", NIGHTLY.values(), ids=NIGHTLY)
def test_nightly_commands_run_on_the_store_that_the_first_command_makes(
    commands: list[str], srv: Path
) -> None:
    first = blocks(OPERATIONS, "")[0]

    ended = shell("\n".join([first, *commands]), srv)

    assert ended.returncode == 0, ended.stderr
    assert (srv / "srv" / "metrics" / "sessions.prom").exists()


@pytest.mark.parametrize("line", CRON)
def test_a_crontab_line_says_when_in_five_fields(line: str) -> None:
    *when, _ = line.split(None, 5)

    assert len(when) == 5
    assert all(re.fullmatch(r"\d+|\*", field) for field in when)
    assert re.search(r"(?<!\\)%", line) is None


def test_the_units_of_systemd_parse_and_belong_together() -> None:
    service, timer = blocks(OPERATIONS, "ini")
    units = [configparser.ConfigParser(interpolation=None) for _ in (service, timer)]
    for unit, text in zip(units, (service, timer), strict=True):
        unit.optionxform = str  # type: ignore[method-assign,assignment]  # as configparser documents it
        unit.read_string(text)

    assert units[0]["Service"]["Type"] == "oneshot"
    assert units[0]["Service"]["RestartPreventExitStatus"].split() == ["1", "2", "3", "5"]
    assert units[1]["Timer"]["OnCalendar"] == "*-*-* 02:15:00"


def test_the_airflow_dag_is_python_that_defines_and_calls_it() -> None:
    tree = ast.parse(AIRFLOW)

    defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert defined == ["sessions", "update", "verify"]
    assert ast.unparse(tree.body[-1]) == "sessions()"


def test_every_metric_on_the_page_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(ROOT / "sample_data" / "events.parquet")

    written = set(re.findall(r"^(sessionize_store_\w+)\{", metrics(store.status()), re.MULTILINE))

    assert set(re.findall(r"sessionize_store_\w+", OPERATIONS)) == written
