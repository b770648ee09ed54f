"""The cells of the admin's lists, which narrow screens show with the names of their columns."""

from django.utils.safestring import SafeString

from core.templatetags.admin_lists import label_cells

HEADERS = [
    {"text": "<input>", "class_attrib": ' class="action-checkbox-column"'},
    {"text": "name"},
    {"text": "last <login>"},
    {"text": "joined"},
]


def test_each_value_is_labelled_and_a_missing_one_is_marked():
    cells = [
        '<td class="action-checkbox"><input></td>',
        '<th class="field-name"><a>Ada</a></th>',
        '<td class="field-last_login"><td>now</td></td>',
        '<td class="field-joined">-</td>',
    ]
    assert label_cells(map(SafeString, cells), HEADERS) == [
        cells[0],
        '<th data-label="Name" class="field-name"><a>Ada</a></th>',
        '<td data-label="Last &lt;login&gt;" class="field-last_login"><td>now</td></td>',
        '<td data-empty class="field-joined">-</td>',
    ]
