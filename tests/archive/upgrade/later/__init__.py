"""The migrations of archive/ as a later version has them, with one more (settings.MIGRATION_MODULES)."""

from pathlib import Path

import archive.migrations

__path__ = [*archive.migrations.__path__, str(Path(__file__).parent)]
