"""`python -m <service> api | worker | migrate`, the same for every service."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from common.logging import configure_logging
from common.settings import CommonSettings, ProcessSettings
from common.telemetry import configure_tracing

S = TypeVar("S", bound=CommonSettings)


class Argument:
    """An argument of a role on the command line, in argparse's terms."""

    def __init__(self, *names: str, **options: Any) -> None:
        self.names = names
        self.options = options


@dataclass(frozen=True)
class Role(Generic[S]):
    """One thing that a service can be started as.

    `run` gets the settings, and the arguments by name; what it returns is served until SIGTERM,
    and a role that returns None is a command and has done its work.
    """

    settings: type[S]
    run: Callable[..., FastAPI | None]
    arguments: Sequence[Argument] = ()


def main(service: str, **roles: Role[Any]) -> None:
    """Run the role that the command line names, and exit with a code that tells how it went.

    A process exits 0 after SIGTERM, or 1 when a background task has died. A missing setting
    ends everything at once, with its name and code 2.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service}")
    commands = parser.add_subparsers(dest="role", required=True, metavar=" | ".join(roles))
    for name, each in roles.items():
        command = commands.add_parser(name, help=(each.run.__doc__ or "").partition("\n")[0])
        for argument in each.arguments:
            command.add_argument(*argument.names, **argument.options)
    arguments = vars(parser.parse_args())
    role = roles[arguments.pop("role")]
    settings = _settings(service, role.settings)
    configure_logging(service=service, level=settings.log_level)
    endpoint = str(settings.otlp_endpoint) if settings.otlp_endpoint else None
    configure_tracing(service=service, otlp_endpoint=endpoint)
    app = role.run(settings, **arguments)
    if app is not None:
        sys.exit(_serve(app, settings))


def _serve(app: FastAPI, settings: ProcessSettings) -> int:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            # Whoever sets X-Forwarded-For would choose the address that we see and log.
            proxy_headers=False,
            timeout_graceful_shutdown=int(settings.shutdown_seconds),
            ws_max_size=64 << 10,
            ws_per_message_deflate=False,  # 40 KB a socket, for messages of 300 bytes
            ws_ping_interval=25,
            ws_ping_timeout=20,
        )
    )
    died = False

    def on_death() -> None:
        nonlocal died
        died = True
        server.should_exit = True

    app.state.on_death = on_death
    # uvicorn raises the signal again after it has stopped; to have been asked is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run()
    return 1 if died or not server.started else 0


def _settings(service: str, settings_type: type[S]) -> S:
    try:
        return settings_type()
    except ValidationError as error:
        for problem in error.errors():
            name = "QUIRE_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{service}: setting {name}: {problem['msg']}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
