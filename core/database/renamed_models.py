"""Operations for migrations that rename a model with its content type and permissions."""

from django.contrib.contenttypes.management import RenameContentType
from django.db.migrations import RenameModel, RunSQL
from django.db.migrations.operations.base import Operation


def rename_model(app_label: str, old: str, new: str) -> list[Operation]:
    """Return the operations that rename a model and its content type.

    Django renames the content type itself only after a RenameModel that stands alone in a migration.
    """
    return [RenameModel(old, new), RenameContentType(app_label, old.lower(), new.lower())]


def rename_content_type(app_label: str, old: tuple[str, str], new: tuple[str, str]) -> RunSQL:
    """Return the operation that renames the content type and the permissions of a model whose table stays.

    `old` and `new` are the name of the model in lower case and its verbose name. Django's own operation would
    build all models for it.
    """
    return RunSQL(_rename_content_type(app_label, old, new), _rename_content_type(app_label, new, old))


def _rename_content_type(app_label: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    (old_name, old_label), (new_name, new_label) = old, new
    return f"""
UPDATE django_content_type SET model = '{new_name}' WHERE app_label = '{app_label}' AND model = '{old_name}'
  AND NOT EXISTS (SELECT FROM django_content_type WHERE app_label = '{app_label}' AND model = '{new_name}');
UPDATE auth_permission p
SET codename = replace(p.codename, '{old_name}', '{new_name}'),
    name = replace(p.name, '{old_label}', '{new_label}')
FROM django_content_type c
WHERE c.id = p.content_type_id AND c.app_label = '{app_label}' AND c.model = '{new_name}'
  AND p.codename IN ('add_{old_name}', 'change_{old_name}', 'delete_{old_name}', 'view_{old_name}')"""
