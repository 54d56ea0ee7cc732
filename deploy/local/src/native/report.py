"""What `up` and `status` print."""

import time
from email.message import EmailMessage

import psutil
from rich.console import Console
from rich.table import Table

from native.ports import LOOPBACK
from native.servers import SERVERS
from native.servers.mail import mailbox_folder
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
        lines["Mails"] = f"make mail  (they lie in {mailbox_folder(profile)})"
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


def print_mails(mails: list[EmailMessage], console: Console) -> None:
    """Show mails as their readers would see them, with the links to follow."""
    for mail in mails:
        console.rule(style="dim")
        for header in ("Date", "To", "Subject"):
            console.print(f"{header + ':':<9}{mail[header]}", markup=False, soft_wrap=True)
        body = mail.get_body(("plain",))
        text = body.get_content() if body else ""
        console.print(f"\n{text.rstrip()}\n", markup=False, soft_wrap=True)
    if not mails:
        console.print("No mail has been sent yet.")


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
