"""What can go wrong in a way that a person can mend; each message says how."""

from pathlib import Path


class StackError(Exception):
    """Something stands in the way of the stack; the message says what to do about it."""


class CheckoutNotFound(StackError):
    """The folder of the repository could not be found."""


class UnknownName(StackError):
    """There is no such profile, server or process."""


class ToolMissing(StackError):
    """A program that the stack runs is not installed."""

    def __init__(self, name: str, tool: Path | str) -> None:
        super().__init__(f"{name} needs {tool}, which is not installed: run `make setup`.")


class PortTaken(StackError):
    """Another program listens on a port that the stack needs."""

    def __init__(self, name: str, port: int, holder: str, setting: str) -> None:
        remedy = f"Stop it, or choose another port: {setting}=…" if setting else "Stop it."
        super().__init__(f"Port {port}, which {name} needs, is taken by {holder}. {remedy}")


class DidNotStart(StackError):
    """A process ended before it was ready, or was not ready in time."""

    def __init__(self, name: str, what: str, log: Path, tail: str) -> None:
        lines = f"{tail.rstrip()}\n" if tail.strip() else "(it wrote nothing)\n"
        super().__init__(f"{name} {what}. The end of its log:\n{lines}The whole log: {log}")


class NotRunning(StackError):
    """The process is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not running.")


class SecretsLost(StackError):
    """There is data, but the secrets that it was made with are gone."""

    def __init__(self, secrets: Path, data: Path) -> None:
        super().__init__(
            f"{secrets} is gone, and the servers' data was made with it. Put it back, or delete"
            f" {data} to begin anew."
        )


class OutOfReach(StackError):
    """PostgreSQL's user cannot get to its programs or its data."""

    def __init__(self, user: str, path: Path) -> None:
        super().__init__(
            f"PostgreSQL refuses to run as root, and the user {user!r} may not enter {path}."
            " Move the checkout to a folder that everyone may enter, or work as an ordinary user."
        )


class CommandFailed(StackError):
    """A command that prepares a server went wrong."""

    def __init__(self, what: str, output: str) -> None:
        super().__init__(f"{what} failed:\n{output.rstrip()}")
