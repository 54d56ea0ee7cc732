"""What each command does, apart from `setup`."""

import argparse
import shlex

from rich.console import Console

from native.infrastructure import variables_of
from native.profile import FIRST_PORTS
from native.progress import ProgressDisplay
from native.report import print_mails, print_status, print_urls
from native.stack import Stack


def carry_out(options: argparse.Namespace, output: Console) -> None:
    """Do what the command line says."""
    profiles = [options.profile] if options.profile else list(FIRST_PORTS)
    match options.command:
        case "up":
            with ProgressDisplay(output, "ready") as display:
                stack = Stack(options.profile, display)
                stack.up(servers_only=options.servers_only)
            print_urls(stack, output, servers_only=options.servers_only)
        case "down":
            _down(profiles, output)
        case "status":
            _status(profiles, output)
        case "mail":
            print_mails(Stack(options.profile).mailbox(), output)
        case "restart":
            with ProgressDisplay(output, "ready") as display:
                for name in options.names:
                    Stack(options.profile, display).restart(name)
        case "kill":
            for name in options.names:
                Stack(options.profile).kill(name)
        case "env":
            stack = Stack(options.profile)
            settings = stack.env(options.name) if options.name else variables_of(stack)
            for variable, value in settings.items():
                print(f"export {variable}={shlex.quote(value)}")


def _down(profiles: list[str], output: Console) -> None:
    stopped = 0
    for profile in profiles:
        with ProgressDisplay(output, f"stopped ({profile})") as display:
            Stack(profile, display).down()
        stopped += display.finished_jobs
    if not stopped:
        output.print("Nothing was running.")


def _status(profiles: list[str], output: Console) -> None:
    known = [stack for stack in map(Stack, profiles) if stack.profile.folder.exists()]
    for stack in known:
        print_status(stack, output)
    if not known:
        output.print("Nothing has been started yet.")
