#!/bin/sh
# Runs once, on an empty data directory: a database for each service, an owner role that migrates it and a service role
# that may not define anything; and one database for the platform's settings (profile, clock).
# The passwords come from the environment and are never printed.
set -eu

database() { # database NAME PASSWORD_VARIABLE
  eval "password=\${$2:?}"
  eval "owner_password=\${OWNER_$2:?}"
  psql -v ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres \
    -v name="$1" -v owner="$1_owner" -v password="$password" -v owner_password="$owner_password" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"owner" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"name";
SQL
}

for name in settings identity service_link campaign point_ledger exchange_settlement; do
  database "$name" "$(echo "$name" | tr '[:lower:]' '[:upper:]')_PASSWORD"
done
