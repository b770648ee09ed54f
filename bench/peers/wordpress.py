"""WordPress as Debian packages it, with MariaDB, php-fpm and nginx, in a temporary folder, for comparison.

nginx listens on four ports: WordPress alone, WordPress behind nginx's page cache (ten minutes), and static
files. No service of the system is touched.
"""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import servers
from bench.fixture import ThreadComment, article
from bench.load import Connection, Target

PACKAGED = Path("/usr/share/wordpress")


def is_installed() -> bool:
    """Return whether WordPress, MariaDB, PHP and nginx are installed."""
    return PACKAGED.is_dir() and all(map(shutil.which, ("mariadbd", "php", "nginx"))) and bool(_fpm())


@dataclass
class Post:
    """A post with its comments."""

    id: int
    base: int  # the comment at index n has the id base + 1 + n
    size: int


@dataclass
class WordPress:
    """A running WordPress: its folder, ports, processes and threads."""

    folder: Path
    port: int
    cached_port: int
    static_port: int
    processes: dict[str, int] = field(default_factory=dict)
    threads: dict[int, Post] = field(default_factory=dict)  # by size
    last: int = 0  # the highest id of an imported comment

    def page(self, size: int) -> Target:
        spent = lambda: self.spent("nginx", "php", "maria")  # noqa: E731
        return Target("WordPress", self._url(self.port, size), spent, patience=6)

    def cached_page(self, size: int) -> Target:
        return Target(
            "WordPress behind nginx's cache", self._url(self.cached_port, size), lambda: self.spent("nginx")
        )

    def file(self, name: str, content: bytes, *, gzipped: bool = False) -> Target:
        """Serve these bytes with nginx."""
        path = self.folder / "static" / (f"{name}.gz.html" if gzipped else f"{name}.html")
        path.write_bytes(content)
        path.chmod(0o644)
        url = f"http://127.0.0.1:{self.static_port}/{path.name}"
        return Target(f"nginx, a file of {len(content) / 1000:.1f} kB", url, lambda: self.spent("nginx"))

    def spent(self, *names: str) -> float:
        return servers.processor_seconds(self.processes[name] for name in names)

    def page_statements(self, target: Target, request: bytes = b"") -> int:
        """Return the number of statements of one request, by default of the page itself."""
        before = self._questions()
        Connection(target.url).exchange(request or target.request())
        return self._questions() - before - 1  # the first value of the counter

    def _questions(self) -> int:
        return int(self.sql("SHOW GLOBAL STATUS LIKE 'Questions'").split()[1])

    def restore(self, size: int) -> None:
        """Restore the thread as it was imported."""
        thread = self.threads[size]
        self.sql(
            f"DELETE FROM wp_comments WHERE comment_ID > {self.last}; "
            f"UPDATE wp_posts SET comment_count = {size} WHERE ID = {thread.id}"
        )

    def sql(self, statement: str, database: str = "wp") -> str:
        argv = ["mariadb", f"--socket={self.folder}/maria.sock", "-uroot", "-N", database, "-e", statement]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def _url(self, port: int, size: int) -> str:
        return f"http://127.0.0.1:{port}/?p={self.threads[size].id}"


@contextmanager
def running(
    folder: Path, threads: Mapping[int, list[ThreadComment]], began: float, ends: float
) -> Iterator[WordPress]:
    """Run WordPress with these threads, written between the two times (seconds since 1970)."""
    wp = WordPress(folder, servers.free_port(), servers.free_port(), servers.free_port())
    with ExitStack() as stack:
        _lay_out(wp)
        for name, argv, port in (
            ("maria", _maria(wp), 0),
            ("php", _php(wp), 0),
            ("nginx", _nginx(wp), wp.port),
        ):
            server = servers.process(argv, folder / f"{name}.log", port)
            wp.processes[name] = stack.enter_context(server)
            if name == "maria":
                _make_database(wp)
        _import_threads(wp, threads, began, ends)
        yield wp


def _lay_out(wp: WordPress) -> None:
    # A copy, because PHP follows links and would find the configuration of the package.
    shutil.copytree(PACKAGED, wp.folder / "wordpress", ignore_dangling_symlinks=True)
    (wp.folder / "wordpress" / "wp-config.php").write_text(
        "<?php define('DB_NAME', 'wp'); define('DB_USER', 'wp'); define('DB_PASSWORD', '');"
        f"define('DB_HOST', 'localhost:{wp.folder}/maria.sock'); define('DB_CHARSET', 'utf8mb4');"
        "define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true);"
        f"define('WP_SITEURL', 'http://127.0.0.1:{wp.port}'); define('WP_HOME', WP_SITEURL);"
        + "".join(
            f"define('{name}_{kind}', '{secrets.token_hex()}');"
            for name in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
            for kind in ("KEY", "SALT")
        )
        + "$table_prefix = 'wp_'; if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');"
        "require_once ABSPATH . 'wp-settings.php';"
    )
    plugins = wp.folder / "wordpress" / "wp-content" / "mu-plugins"
    plugins.mkdir(exist_ok=True)
    # All writers have one IP address, which WordPress would limit to four comments a minute.
    (plugins / "bench.php").write_text("<?php add_filter('comment_flood_filter', '__return_false', 99);")
    for name in ("maria", "static", "cache", "nginx"):
        (wp.folder / name).mkdir()
    if os.geteuid() == 0:
        shutil.chown(wp.folder / "maria", "mysql")
        # The server creates its socket beside the data.
        os.chown(wp.folder, pwd.getpwnam("mysql").pw_uid, -1)
        for name in ("cache", "nginx"):
            shutil.chown(wp.folder / name, "www-data")


def _maria(wp: WordPress) -> list[str | Path]:
    user = ["--user=mysql"] if os.geteuid() == 0 else []
    subprocess.run(
        [
            *("mariadb-install-db", "--no-defaults", *user, f"--datadir={wp.folder}/maria"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        ],
        capture_output=True,
        check=True,
    )
    return [
        *("mariadbd", "--no-defaults", *user, f"--datadir={wp.folder}/maria"),
        *(f"--socket={wp.folder}/maria.sock", "--skip-networking", "--skip-log-bin"),
        *("--innodb-buffer-pool-size=1G", f"--pid-file={wp.folder}/maria/server.pid"),
    ]


def _make_database(wp: WordPress) -> None:
    statement = "CREATE DATABASE wp CHARACTER SET utf8mb4; CREATE USER wp@localhost; "
    statement += "GRANT ALL ON wp.* TO wp@localhost"
    for tries_left in reversed(range(300)):
        try:
            wp.sql(statement, database="mysql")
            break
        except subprocess.CalledProcessError:
            if not tries_left:
                raise
            time.sleep(0.1)


def _php(wp: WordPress) -> list[str | Path]:
    owner = "\n".join(
        ["user = www-data", "group = www-data", "listen.owner = www-data", "listen.group = www-data"]
        if os.geteuid() == 0
        else []
    )
    (wp.folder / "php.conf").write_text(f"""
[global]
daemonize = no
error_log = {wp.folder}/php.err
[www]
{owner}
listen = {wp.folder}/php.sock
pm = static
pm.max_children = 4
php_admin_value[memory_limit] = 1024M
php_admin_value[max_execution_time] = 120
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.memory_consumption] = 192
php_admin_value[opcache.max_accelerated_files] = 20000
php_admin_value[opcache.validate_timestamps] = 0
""")
    return [_fpm(), "-F", "-y", wp.folder / "php.conf", *(["-R"] if os.geteuid() == 0 else [])]


def _fpm() -> str:
    return max(map(str, Path("/usr/sbin").glob("php-fpm*")), default="")


def _nginx(wp: WordPress) -> list[str | Path]:
    user = "user www-data;" if os.geteuid() == 0 else ""
    php = f"""
      include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param HTTP_HOST 127.0.0.1:{wp.port}; fastcgi_pass unix:{wp.folder}/php.sock;
      fastcgi_read_timeout 120s;"""
    rest = "root " + str(wp.folder / "wordpress") + "; index index.php; location / "
    rest += "{ try_files $uri $uri/ /index.php?$args; }"
    temporary = "".join(
        f"{kind}_temp_path {wp.folder}/nginx/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (wp.folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 2; pid {wp.folder}/nginx.pid; error_log {wp.folder}/nginx.err; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; include /etc/nginx/mime.types; default_type text/html; sendfile on; tcp_nopush on;
  keepalive_requests 1000000; open_file_cache max=1000; {temporary}
  fastcgi_cache_path {wp.folder}/cache levels=1:2 keys_zone=wp:16m max_size=1g inactive=60m;
  fastcgi_buffers 64 64k; fastcgi_buffer_size 64k;
  server {{ listen 127.0.0.1:{wp.port}; {rest} location ~ \\.php$ {{ {php} }} }}
  server {{ listen 127.0.0.1:{wp.cached_port}; {rest} location ~ \\.php$ {{ {php}
    fastcgi_cache wp; fastcgi_cache_key $request_method$request_uri; fastcgi_cache_valid 200 10m;
    fastcgi_cache_use_stale updating; fastcgi_cache_lock on;
    fastcgi_ignore_headers Cache-Control Expires Set-Cookie; }} }}
  server {{ listen 127.0.0.1:{wp.static_port}; root {wp.folder}/static;
    location ~ \\.gz\\.html$ {{ add_header Content-Encoding gzip; }} }}
}}""")
    return ["nginx", "-c", wp.folder / "nginx.conf"]


def _import_threads(
    wp: WordPress, threads: Mapping[int, list[ThreadComment]], began: float, ends: float
) -> None:
    files = []
    for size, comments in threads.items():
        files.append(wp.folder / f"{size}.jsonl")
        with files[-1].open("w") as file:
            for row in comments:
                at = int(began + (ends - began) * row.at)
                line = {"parent": row.parent, "name": row.name, "body": row.body, "at": at}
                file.write(json.dumps(line) + "\n")
    (wp.folder / "article.txt").write_text(article())
    loader = Path(__file__).with_name("wordpress_load.php")
    php: list[str | Path] = ["php", "-d", "memory_limit=1G", loader]
    php += [wp.folder / "wordpress", wp.folder / "article.txt"]
    done = subprocess.run([*php, *files], capture_output=True, text=True, check=True).stdout
    for printed in done.splitlines():
        size, post, base = map(int, printed.split())
        wp.threads[size] = Post(post, base, size)
        wp.last = max(wp.last, base + size)
