-- Creates the database and its two logins, once, by a superuser of PostgreSQL 15 or newer:
--   OWNER_PASSWORD=… WEB_PASSWORD=… psql -v ON_ERROR_STOP=1 -f deploy/create_database.sql
-- One login owns the tables and migrates them, the other serves pages and owns nothing.
\getenv owner_password OWNER_PASSWORD
\getenv web_password WEB_PASSWORD
CREATE ROLE soundoff_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE soundoff_web LOGIN PASSWORD :'web_password';
-- A host that is lost in a transaction keeps its locks until TCP notices, after two hours by default. This is 19 s.
ALTER ROLE soundoff_owner SET tcp_keepalives_idle = 10;
ALTER ROLE soundoff_owner SET tcp_keepalives_interval = 3;
ALTER ROLE soundoff_owner SET tcp_keepalives_count = 3;
ALTER ROLE soundoff_web SET tcp_keepalives_idle = 10;
ALTER ROLE soundoff_web SET tcp_keepalives_interval = 3;
ALTER ROLE soundoff_web SET tcp_keepalives_count = 3;
-- With LC_CTYPE C, the trigrams that find similar texts would know ASCII letters only.
CREATE DATABASE soundoff OWNER soundoff_owner ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0;
-- The default of 4 is that of a spinning disk: with it the planner prefers to read whole large tables.
ALTER DATABASE soundoff SET random_page_cost = 1.1;
\connect soundoff
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
ALTER DEFAULT PRIVILEGES FOR ROLE soundoff_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO soundoff_web;
ALTER DEFAULT PRIVILEGES FOR ROLE soundoff_owner GRANT USAGE, SELECT ON SEQUENCES TO soundoff_web;
