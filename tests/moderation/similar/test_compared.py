"""The parts of a comment's body that a scan compares."""

from moderation.similar.compared import read_body


def test_links_and_contacts_are_no_words():
    body = "Jim’s boats: https://www.Cheap.example/0171-555-3210, or ring 0171 555 3219 (jim@boats.example)"
    words, hosts, contacts = read_body(body)

    assert words == ["jim's", "boats", "or", "ring"]
    assert hosts == {"cheap.example"}
    assert contacts == {"715553219", "jim@boats.example"}
