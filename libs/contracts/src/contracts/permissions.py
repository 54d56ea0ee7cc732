"""What somebody may do: the words that travel in a token, from auth to whoever checks them."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that one may do; a role is a set of them, and so are the scopes of an API key.

    What is only one's own (documents, messages, webhooks) is never anybody else's, whatever the
    permissions; those of the second group reach beyond one's own.
    """

    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_WRITE = "documents:write"
    OCR_RUN = "ocr:run"
    WEBHOOKS_MANAGE = "webhooks:manage"
    MESSAGES_SEND = "messages:send"
    EVENTS_READ = "events:read"

    USERS_READ = "users:read"
    USERS_UPDATE = "users:update"
    USERS_DELETE = "users:delete"
    USERS_MANAGE_ROLES = "users:manage_roles"
    AUDIT_READ = "audit:read"
    REPORTS_CREATE = "reports:create"
    NOTIFICATIONS_BROADCAST = "notifications:broadcast"


OWN = frozenset(
    {
        Permission.DOCUMENTS_READ,
        Permission.DOCUMENTS_WRITE,
        Permission.OCR_RUN,
        Permission.WEBHOOKS_MANAGE,
        Permission.MESSAGES_SEND,
        Permission.EVENTS_READ,
    }
)
"""Those of the first group: what every user may, and all that an API key can be given."""

DESCRIPTIONS = {
    Permission.DOCUMENTS_READ: "See one's own documents and what was read in them.",
    Permission.DOCUMENTS_WRITE: "Upload, change and delete one's own documents.",
    Permission.OCR_RUN: "Have one's own documents read, and files that are not kept.",
    Permission.WEBHOOKS_MANAGE: "Manage one's own webhooks.",
    Permission.MESSAGES_SEND: "Send messages to other users.",
    Permission.EVENTS_READ: "Listen to one's own events over a WebSocket or SSE.",
    Permission.USERS_READ: "See every account.",
    Permission.USERS_UPDATE: "Change every account.",
    Permission.USERS_DELETE: "Delete every account.",
    Permission.USERS_MANAGE_ROLES: "Define and grant roles, switch accounts on and off.",
    Permission.AUDIT_READ: "Read the audit log.",
    Permission.REPORTS_CREATE: "Have reports of user activity made.",
    Permission.NOTIFICATIONS_BROADCAST: "Notify everybody.",
}
"""Each in a sentence, for people who put roles together."""
