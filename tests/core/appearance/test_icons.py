"""Tests of the icons, which templates of both engines draw from one list."""

from django.template import engines

from core.appearance.icons import SVG_PATHS


def test_both_engines_draw_the_same_icon():
    for name, drawing in SVG_PATHS.items():
        template = engines["django"].from_string("{% load appearance %}{% icon name %}")
        django_icon = template.render({"name": name})
        assert engines["jinja2"].from_string("{{ icon(name) }}").render({"name": name}) == django_icon
        assert drawing in django_icon
        assert 'aria-hidden="true"' in django_icon
