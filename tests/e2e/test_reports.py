"""A report: asked for over HTTP, made by the worker, followed on the socket, told of by mail."""

import csv
import io
from datetime import UTC, datetime, timedelta

from client import Client
from native.stack import Stack
from sent_mail import mail_to


async def test_a_report_of_user_activity(user: Client, admin: Client, stack: Stack) -> None:
    now = datetime.now(UTC)
    period = {
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": (now + timedelta(hours=1)).isoformat(),
    }
    async with admin.socket() as socket:
        asked = await admin.http.post("/admin/reports/users", json={**period, "mail": True})
        assert asked.status_code == 202
        report = asked.json()["id"]
        done = await socket.until(lambda message: message["type"] == "report_complete")
    progress = [m["progress"] for m in socket.messages if m["type"] == "report_progress"]

    assert (done["report_id"], done["success"]) == (report, True)
    assert progress == sorted(progress)
    assert (await admin.http.get(f"/admin/reports/{report}")).json()["status"] == "completed"
    table = await admin.http.get(f"/admin/reports/{report}/download")
    lines = {line["email"]: line for line in csv.DictReader(io.StringIO(table.text))}
    assert lines[user.user["email"]]["logins"] == "1"
    assert len(lines) == done["rows"]
    await mail_to(stack, admin.user["email"], subject="report")
    assert (await user.http.get(f"/admin/reports/{report}")).status_code == 403
