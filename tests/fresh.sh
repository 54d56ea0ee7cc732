#!/usr/bin/env bash
# Proves that no install step is missing: the README's two commands in a bare Debian 12.
#
# Makes the system with debootstrap, adds what the README asks for and nothing else, clones this
# checkout's HEAD into it and runs `make demo` and `make test` there. Needs root and debootstrap,
# free ports, and about 20 minutes. The network settings of this machine are taken over (names,
# certificates, package sources); packages and files are not.
set -euo pipefail

repository=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
root=$(mktemp -d /var/tmp/quire-fresh.XXXXXX)

[ "$(id -u)" = 0 ] || { echo "make fresh needs root: it makes a system and enters it." >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "apt-get install debootstrap" >&2; exit 1; }

clean_up() { rm -rf --one-file-system "$root"; }
trap clean_up EXIT
chmod 755 "$root" # it becomes `/`, which everybody may enter

echo "── A bare Debian 12 in $root"
debootstrap --variant=minbase --include=ca-certificates,git,make,python3-venv bookworm "$root" \
    >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
git clone --quiet --no-hardlinks "$repository" "$root/root/quire"

cat >"$root/root/run" <<'SCRIPT'
set -euo pipefail
mount -t proc proc /proc
cd /root/quire
for command in demo test; do
    echo "── make $command"
    started=$SECONDS
    make $command
    echo "── make $command took $((SECONDS - started)) s"
done
echo "── again, with everything installed"
started=$SECONDS
make demo
echo "── make demo took $((SECONDS - started)) s"
make down
SCRIPT

# Namespaces of its own, so that nothing is left mounted or running, whatever happens.
# Only names that tools need to find their way out are handed on.
unshare --mount --pid --ipc --uts --fork --kill-child bash -c '
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" \
        LANG=C.UTF-8 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
        PIP_CERT=/etc/ssl/certs/ca-certificates.crt bash /root/run
' fresh "$root"
echo "── Nothing was missing."
