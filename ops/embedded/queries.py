"""The SQL that readies a fresh server for the product. Run by psql, which quotes the `:'...'` variables."""

CREATE_ROLE = r"""
\getenv password COGEP_ROLE_PASSWORD
SELECT 'CREATE ROLE cogep LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cogep') \gexec
ALTER ROLE cogep PASSWORD :'password';
"""

CREATE_DATABASE = r"""
SELECT format('CREATE DATABASE %I OWNER cogep', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
\connect :"database"
CREATE EXTENSION IF NOT EXISTS vector;
"""
