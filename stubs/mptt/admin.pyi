from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse

from mptt.models import MPTTModel

class MPTTModelAdmin(ModelAdmin[Any]):
    mptt_level_indent: int

class DraggableMPTTAdmin(MPTTModelAdmin):
    expand_tree_by_default: bool
    def tree_actions(self, item: MPTTModel) -> str: ...
    def _move_node(self, request: HttpRequest) -> HttpResponse: ...
    def _tree_context(self, request: HttpRequest) -> dict[str, Any]: ...
