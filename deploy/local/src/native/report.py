"""What `up` and `status` print."""

import time

import psutil
from rich.console import Console
from rich.table import Table

from native.ports import LOOPBACK
from native.servers import SERVERS
from native.servers.rabbitmq import USER
from native.stack import Stack


def print_urls(stack: Stack, console: Console, *, servers_only: bool) -> None:
    """Show where to go next; no secret is printed, only where it lies."""
    profile = stack.profile
    secrets = profile.folder / "secrets.env"
    management = f"http://{LOOPBACK}:{profile.port('rabbitmq-management')}"
    lines = {
        "RabbitMQ": f"{management}  (user {USER}, RABBITMQ_PASSWORD in {secrets})",
        "Logs": str(profile.logs),
    }
    if servers_only:
        addresses = {name: f"{LOOPBACK}:{profile.port(name)}" for name in SERVERS}
        lines = addresses | lines
    else:
        gateway = stack.url("gateway")
        lines = {"Gateway": gateway, "API docs": f"{gateway}/docs"} | lines
    console.print()
    for label, text in lines.items():
        console.print(f"  {label:<10} {text}", markup=False, soft_wrap=True)


def print_status(stack: Stack, console: Console) -> None:
    """Show every process of the stack: whether it runs, since when, and what it weighs."""
    table = Table(title=f"profile {stack.profile.name}", title_justify="left", box=None)
    for column in ("name", "state", "pid", "port", "memory", "up for"):
        table.add_column(column, no_wrap=True)
    for name in stack.names:
        table.add_row(name, *_row(stack, name))
    console.print(table)


def _row(stack: Stack, name: str) -> list[str]:
    port = str(stack.port(name))
    pid = stack.pid_or_none(name)
    if pid is None:
        return ["stopped", "", port, "", ""]
    state = "ready" if stack.is_ready(name) else "[yellow]not ready[/]"
    try:
        process = psutil.Process(pid)
        memory = f"{process.memory_info().rss >> 20} MB"
        age = f"{time.time() - process.create_time():.0f} s"
    except psutil.NoSuchProcess:
        return ["stopped", "", port, "", ""]
    return [state, str(pid), port, memory, age]
