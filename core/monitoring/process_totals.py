"""The sums of the counted metrics over all web processes of this machine.

Each process writes its own numbers to a file, and the process that is asked for the metrics adds up the
files. It counts itself by its file, too: a sum that went down would look like a restart to Prometheus. The
files of processes that have ended stay until the web server is started again, for the same reason.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.registry import Collector

from core.files.folder import write_and_rename
from core.monitoring.metrics import REGISTRY

FOLDER = settings.HOME / "cache" / "metrics"
SERVER_ID = "SOUNDOFF_WEB_SERVER"  # the environment variable with an id that each start of a web server has
WRITE_SECONDS = 5.0

log = logging.getLogger(__name__)

Samples = list[tuple[str, dict[str, str], float]]  # name, labels and value


class ProcessTotals(Collector):
    """The sums over all processes of this web server, and the file of this process."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        # In a container the parent, too, has the same PID after a restart.
        self.prefix = f"{os.environ.get(SERVER_ID) or os.getppid()}-"
        self.file = folder / f"{self.prefix}{os.getpid()}.json"
        self._lock = threading.Lock()
        self._is_failing = False

    def delete_old_files(self) -> None:
        """Delete the files of earlier web servers."""
        with suppress(FileNotFoundError):
            for file in self.folder.iterdir():
                if not file.name.lstrip(".").startswith(self.prefix):  # a dot: it is being written
                    file.unlink(missing_ok=True)

    def start(self) -> None:
        """Write the file of this process again and again, in a thread."""
        self.delete_old_files()
        threading.Thread(target=self._write_forever, name="metrics", daemon=True).start()

    def write(self) -> None:
        """Write the numbers of this process. A full disk is logged once, and the file keeps its numbers."""
        with self._lock:  # an older state must not replace a newer one
            samples = {
                metric.name: [(sample.name, sample.labels, sample.value) for sample in metric.samples]
                for metric in REGISTRY.collect()
            }
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with write_and_rename(self.file) as part:
                    part.write_text(json.dumps(samples))
            except OSError as error:
                if not self._is_failing:
                    log.warning("The metrics of this process can't be written: %s", error)
                self._is_failing = True
            else:
                self._is_failing = False

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its sums."""
        self.write()
        found = [_read(file) for file in sorted(self.folder.glob(f"{self.prefix}*.json"))]
        for metric in REGISTRY.collect():
            sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
            for samples in found:
                for name, labels, value in samples.get(metric.name, []):
                    key = name, tuple(labels.items())
                    sums[key] = sums.get(key, 0) + value
            total = Metric(metric.name, metric.documentation, metric.type)
            for (name, pairs), value in sums.items():
                total.add_sample(name, dict(pairs), value)
            yield total

    def _write_forever(self) -> None:
        while True:
            self.write()
            time.sleep(WRITE_SECONDS)


totals = ProcessTotals()  # of this process


def _read(file: Path) -> dict[str, Samples]:
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found
