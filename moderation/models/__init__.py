from moderation.models.actions import Action, SettingChange
from moderation.models.cases import Case, SecondOpinion
from moderation.models.findings import Finding
from moderation.models.groups import CommentGroup, CommentGroupMember, SimilarityScan
from moderation.models.jobs import ImportScreening, JobRun
from moderation.models.messages import DecisionMessage, SavedLine
from moderation.models.people import AccountErasure, ModeratorNote, Origin, Sanction
from moderation.models.reports import AddressReportCount, Appeal, IllegalContentReport, Report
from moderation.models.requests import RemovalRequest
from moderation.models.restrictions import RestrictedText, RestrictedTextReading, Restriction
from moderation.models.rules import Rule, RuleTerms
from moderation.models.settings import ModerationSettings
from moderation.models.spam_filters import FilterVersion
