"""An account's life: the mails, the links in them, and the end."""

import httpx
from client import PASSWORD, Client, NewUser
from native.stack import Stack
from sent_mail import link_in, mail_to, mails_to


async def test_the_link_in_the_mail_verifies_the_address(user: Client, stack: Stack) -> None:
    address = user.user["email"]
    page, token = link_in(await mail_to(stack, address, subject="confirm"))
    assert user.user["email_verified"] is False

    async with httpx.AsyncClient() as browser:
        opened = await browser.get(page)
        assert opened.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in opened.headers["content-security-policy"]
        assert (await browser.post(page, json={"token": token})).status_code == 200
        again = await browser.post(page, json={"token": token})

    assert again.json()["type"] == "urn:quire:problem:invalid-link"
    assert (await user.http.get("/auth/me")).json()["email_verified"] is True
    await mail_to(stack, address, subject="welcome")
    assert len(mails_to(stack, address)) == 2


async def test_a_forgotten_password_is_replaced_by_mail(user: Client, stack: Stack) -> None:
    address = user.user["email"]
    for email in (address, "nobody@example.org"):
        asked = await user.http.post("/auth/password/reset-request", json={"email": email})
        assert (asked.status_code, asked.content) == (202, b"null")
    page, token = link_in(await mail_to(stack, address, subject="password"))

    new = "Another-Horse-Staple-8"
    body = {"token": token, "password": new, "password_confirm": new}
    async with httpx.AsyncClient() as browser:
        assert (await browser.post(page, json=body)).status_code == 204
    assert mails_to(stack, "nobody@example.org") == []
    await user.until_signed_out()
    for password, status in ((PASSWORD, 401), (new, 200)):
        credentials = {"username": user.user["username"], "password": password}
        assert (await user.http.post("/auth/login", json=credentials)).status_code == status


async def test_who_leaves_is_gone(new_user: NewUser) -> None:
    user = await new_user()
    credentials = {"username": user.user["username"], "password": PASSWORD}
    wrong = await user.http.request("DELETE", "/auth/me", json={"password": "Wrong-Horse-7"})
    assert wrong.status_code == 403
    gone = await user.http.request("DELETE", "/auth/me", json={"password": PASSWORD})
    assert gone.status_code == 204

    await user.until_signed_out()
    assert (await user.http.post("/auth/login", json=credentials)).status_code == 401
