#!/bin/sh
# One database and one login for each service; nobody may open a database that is not theirs.
# Run once by the PostgreSQL image, on an empty data folder.
set -eu
create() {
    psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" -v name="$1" -v password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}
create auth "$AUTH_DATABASE_PASSWORD"
create documents "$DOCUMENTS_DATABASE_PASSWORD"
create notifier "$NOTIFIER_DATABASE_PASSWORD"
