"""The commands: what they print, and how they fail."""

import os
import subprocess
import sys
import time

import pytest
from native.debian import missing_packages
from native.stack import Stack


def native(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "native", *words],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | env,
    )


def test_up_says_where_things_are_and_no_secret(stack: Stack) -> None:
    ended = native("up", "--profile", "selftest", "--servers-only")

    assert ended.returncode == 0, ended.stderr
    assert f"http://127.0.0.1:{stack.profile.port('rabbitmq-management')}" in ended.stdout
    assert "secrets.env" in ended.stdout
    assert stack.credentials.rabbitmq_password not in ended.stdout


def test_status_shows_what_runs(stack: Stack) -> None:
    rows = native("status", "--profile", "selftest").stdout.splitlines()
    words = {row.split()[0]: row.split()[1:] for row in rows if row.strip()}

    assert words["postgres"][:2] == ["ready", str(stack.pid("postgres"))]
    assert words["gateway"][0] == "stopped"


def test_env_can_be_read_by_a_shell(stack: Stack) -> None:
    settings = native("env", "--profile", "selftest", "ocr-worker").stdout
    script = f'{settings}\nprintf %s "$QUIRE_AMQP_URL"'
    ended = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)

    assert ended.stdout == stack.url("rabbitmq")


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (("kill", "--profile", "selftest", "nobody"), {}, "choose from postgres, rabbitmq"),
        (("env",), {"QUIRE_PORT": "eighty"}, "QUIRE_PORT=eighty is not a port"),
    ],
)
def test_an_error_is_one_that_people_can_act_on(
    stack: Stack, words: tuple[str, ...], env: dict[str, str], says: str
) -> None:
    ended = native(*words, **env)

    assert ended.returncode == 1
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(bool(missing_packages()), reason="there is something to install")
def test_setup_is_not_felt_when_nothing_is_missing() -> None:
    start = time.monotonic()
    ended = native("setup")

    assert ended.returncode == 0
    assert "All Debian packages are installed." in ended.stdout
    assert time.monotonic() - start < 5
