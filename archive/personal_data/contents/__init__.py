"""Contents of the file of personal data: what the site stores about one person, in sections of records.

Records are read in batches, so a person with many comments takes no more memory. The page "My data" says what
is left out: what others wrote about the person for their colleagues (moderators' notes), who reported a
comment, passwords and keys, and records of a technical kind that are deleted within days.
"""

from collections.abc import Iterator

from archive.personal_data.contents.comments import sections_of_comments, sections_of_reading
from archive.personal_data.contents.moderation import (
    sections_of_reports,
    sections_of_requests,
    sections_of_sanctions,
)
from archive.personal_data.contents.person import (
    sections_of_account,
    sections_of_emails,
    sections_of_log_ins,
    sections_of_newsletters,
)
from archive.personal_data.contents.sections import Section
from archive.personal_data.contents.staff import sections_of_staff
from moderation.people.data_subject import DataSubject


def read_sections(subject: DataSubject) -> Iterator[Section]:
    """Yield all sections, the person's own words first. Sections without records are included."""
    if subject.user:
        yield from sections_of_account(subject, subject.user)
        yield from sections_of_log_ins(subject.user)
    yield from sections_of_emails(subject)
    yield from sections_of_newsletters(subject)
    yield from sections_of_comments(subject)
    yield from sections_of_reading(subject)
    yield from sections_of_reports(subject)
    yield from sections_of_requests(subject)
    yield from sections_of_sanctions(subject)
    if subject.user:
        yield from sections_of_staff(subject.user)
