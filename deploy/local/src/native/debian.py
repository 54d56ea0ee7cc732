"""Installs the Debian packages that the suite needs and that no Python package can bring."""

import os
import shutil
import subprocess

from rich.console import Console

from native.errors import StackError

PACKAGES = (
    "rabbitmq-server",
    "tesseract-ocr",
    "tesseract-ocr-eng",
    "tesseract-ocr-osd",
    "tesseract-ocr-deu",
    "tesseract-ocr-fra",
    "tesseract-ocr-ara",
)

# Debian starts a server as soon as it is installed, and again at every boot. The stack runs a
# node of its own, so policy-rc.d forbids the first, and `disable` prevents the second.
_INSTALL = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
mark='# Written by the setup of Quire, which removes it again.'
if [ ! -e "$policy" ] || grep -qxF "$mark" "$policy"; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
    chmod 755 "$policy"
fi
apt-get update
apt-get install --yes --no-install-recommends "$@"
case " $* " in *" rabbitmq-server "*)
    if command -v systemctl > /dev/null; then
        systemctl disable rabbitmq-server.service epmd.service epmd.socket || true
    fi
esac
"""


class NotDebian(StackError):
    """There is no apt on this machine."""


class InstallationFailed(StackError):
    """apt-get did not do what it was asked."""


def set_up(console: Console) -> None:
    """Install the packages that are missing; say so and do nothing else if none is."""
    missing = missing_packages()
    if not missing:
        console.print("All Debian packages are installed.", highlight=False)
        return
    console.print(f"Installing with apt-get: {' '.join(missing)}", highlight=False, soft_wrap=True)
    command = ["sh", "-c", _INSTALL, "setup", *missing]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise InstallationFailed(
                f"This needs root: apt-get install --no-install-recommends {' '.join(missing)}"
            )
        command.insert(0, "sudo")
    if subprocess.run(command, check=False).returncode != 0:
        raise InstallationFailed("apt-get failed; its last lines above say why.")


def missing_packages() -> list[str]:
    """Return the packages that are not installed, in the order of the list above."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise NotDebian(
            "This machine has no apt. Install RabbitMQ (3.10 or later) and Tesseract (5, with eng,"
            " osd, deu, fra and ara) by its own means, or use Docker: docker compose up."
        )
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES]
    shown = subprocess.run(query, check=False, capture_output=True, text=True).stdout
    installed = shown.splitlines()
    return [package for package in PACKAGES if f"{package} installed" not in installed]
