"""Django's PostgreSQL backend, which looks at the socket to learn whether the server has hung up.

Django asks `SELECT 1` before a request's first statement, 0.1 ms of each. A server that stops closes its
connections, which is there to be read; one that is cut off or frozen would not answer either, and then the
first statement is given up (config/page_cache/stamp_reader.py).
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
