"""`python -m native up | down | status | mail | restart | kill | env | setup`."""

import argparse
import sys

from rich.console import Console

from native.debian import set_up
from native.errors import StackError
from native.profile import FIRST_PORTS


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; return its exit code."""
    options = _parser().parse_args(arguments)
    output = Console(highlight=False)
    errors = Console(stderr=True, highlight=False)
    try:
        if options.command == "setup":
            set_up(output)
        else:
            # Not above: `make` calls `setup` before each target, and it must not be felt.
            from native.commands import carry_out  # noqa: PLC0415

            carry_out(options, output)
    except (StackError, OSError) as error:
        errors.print("error:", style="bold red", end=" ")
        errors.print(str(error), markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        errors.print("Interrupted; `python -m native down` stops what was started.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m native", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str, *, profile: str | None = "dev") -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        which = f"default: {profile or 'all'}"
        command.add_argument("--profile", choices=FIRST_PORTS, default=profile, help=which)
        return command

    up = add("up", "Start what does not run yet, and wait until all is ready.")
    up.add_argument("--servers-only", action="store_true", help="only the four servers")
    add("down", "Stop everything, and leave the data.", profile=None)
    add("status", "Show what runs, and where.", profile=None)
    add("mail", "Show the mails that the suite has sent here, the newest last.")
    for name, text in {
        "restart": "Stop something in good order and start it again.",
        "kill": "Kill something without asking (SIGKILL), to see how the rest takes it.",
    }.items():
        add(name, text).add_argument("names", nargs="+", metavar="NAME")
    env = add("env", "Print settings as shell commands: a process's, or those of the tests.")
    env.add_argument("name", nargs="?", metavar="NAME")
    commands.add_parser("setup", help="Install the Debian packages that are missing.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
