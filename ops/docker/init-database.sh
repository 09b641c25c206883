#!/bin/sh
# Runs once, on an empty volume: the product's own role, which is no superuser, and its database.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password COGEP_DATABASE_PASSWORD
CREATE ROLE cogep LOGIN PASSWORD :'password';
CREATE DATABASE cogep OWNER cogep;
\connect cogep
CREATE EXTENSION vector;
SQL
