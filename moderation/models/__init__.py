from moderation.models.actions import Batch, Change
from moderation.models.cases import Case, SecondOpinion
from moderation.models.findings import Finding, FindingQuerySet, confirmed_emails, has_page
from moderation.models.groups import Group, Look, Member
from moderation.models.people import Note, Origin, Sanction
from moderation.models.reports import Appeal, Network, Notice, Report
from moderation.models.requests import RemovalRequest
from moderation.models.restrictions import Seal, SealedText, SealReading
from moderation.models.rules import Rule, RuleTerms
from moderation.models.settings import Desk, JobRun
from moderation.models.spam_filters import Filter

__all__ = [
    "Appeal",
    "Batch",
    "Case",
    "Change",
    "Desk",
    "Filter",
    "Finding",
    "FindingQuerySet",
    "Group",
    "JobRun",
    "Look",
    "Member",
    "Network",
    "Note",
    "Notice",
    "Origin",
    "RemovalRequest",
    "Report",
    "Rule",
    "RuleTerms",
    "Sanction",
    "Seal",
    "SealReading",
    "SealedText",
    "SecondOpinion",
    "confirmed_emails",
    "has_page",
]
