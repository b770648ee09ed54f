"""Regular expressions that the signals search for: English phrases, numbers and links. Pure functions.

They read folded text (lower case, without accents), except SITE_MENTIONS and NOISE. Single words are in
word_lists.py. The common beginning of all alternatives (a word boundary) stands first in each or once before
them: then `re` tries the rest only at such places.
"""

import re

from moderation.features.word_lists import word_set

# What it is about

ADDRESSED = re.compile(
    r"\A\s*@\w|\A\s*(?:hi|hello|hey|dear|thanks|thank you)[ ,]+(?!there|all|guys|every|to|you|for"
    r"|very|so|a|from|i|admin|it|this|my|dear|friend|mate|web"
    r"|again)[a-z]+ ?[,!.:-]"
)

QUESTION = re.compile(
    r"\b(?:how|what|why|where|which|when|is|are|do|does|did|can|could|would|has|have|any)\b[^.!?]{5,160}\?"
)

FIRST_HAND = re.compile(
    r"\bi (?:\w+ )?(?:tried|installed|used|bought|built|ran|had|got|get|fixed|changed|ended up|followed"
    r"|replaced|set up"
    r"|upgraded|added|noticed|disagree|doubt|remember|lived|worked|grew up|voted|saw)\b"
    r"|\b(?:this|that|it) (?:worked|works|fixed|solved|saved|helped)\b|\b(?:doesn't|didn't|won't|can't"
    r"|isn't) work\b"
    r"|\b(?:same|similar) (?:problem|issue|error)\b|\berror\b"
)


def _about_the_site(content: str, more: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern of phrases about the site instead of its subject.

    It has this form of "content", and more phrases.
    """
    return re.compile(
        r"\b(?:you?r|ur|this|the|these|of|one['’´`]s|several|nice|great|good|such|written|web|keep|entire"
        r"|wonderful|amazing|awesome|excellent|fantastic|superb|terrific|helpful|informative|interesting"
        r"|useful|perfect)\s+(?:\w+[\s-]+){0,2}?"
        r"(?:blogs?|web[\s-]?logs?|web[\s-]?sites?|web[\s-]?pages?|sites?|posts?|posting|write[\s-]?ups?"
        rf"|articles?|{content}|entries|paragraphs?|pieces? of (?:info|information|writing)|design|layout"
        r"|theme|rss|feed|newsletter)\b"
        r"|\b(?:book-?mark(?:ed|ing)?|saved as a favou?rite|surfing|search engines?|blogroll|webmasters?"
        rf"|{more})\b",
        flags,
    )


# The filter searches folded text for the first. The groups of similar comments search the text as it was
# typed for the second, which also finds a mere mention.
SITE_TALK = _about_the_site("contents?", r"weblogs?|web owners|bloggers|(?:stumbled|came) (?:up)?on")
SITE_MENTIONS = _about_the_site(
    "content",
    r"(?:internet|web) site|piece of (?:info|information|writing)|online for|stumbled ?upon|blogging|blog"
    r"|spam|weblog",
    re.IGNORECASE,
)

# Parts of which SITE_TALK needs at least one: to search for all of it in every text takes ten times as long.
SITE_TALK_HINT = re.compile(
    r"blog|site|post|artic|write|content|entr|paragr|piece|page|design|layout|theme|rss|feed|newsl|mark"
    r"|roll|web|favo"
    r"|upon|engine|surf"
)

# Phrases of spam templates that robots vary ("spin"): each slot with the synonyms that fill it.
TEMPLATES = re.compile(
    r"|".join(
        (
            r"\b(?:surfing|browsing|exploring|searching|looking)(?: on-? ?line)?(?: \w+){0,3} (?:more"
            r"|greater) than"
            r" \w+ hours",
            r"\bnever (?:found|discovered) any (?:\w+ )?(?:interesting|fascinating|attention-grabbing)",
            r"\ball (?:web ?masters|website owners|web owners|site owners)",
            r"\b(?:grab|seize|clutch|snatch|take hold of)(?: of)? your (?:rss|feed)",
            r"\bkeep (?:up to date|updated|up-to-date) with (?:forth)?coming",
            r"\b(?:loved|liked|preferred) as much as you(?:'ll| will)",
            r"\b(?:sketch|caricature|cartoon|comic strip) is (?:\w+ )?(?:tasteful|attractive)",
            r"\bauthored (?:material|subject matter)",
            r"\bdefinitely (?:believe|imagine|consider) that (?:which )?you",
            r"\byour (?:favou?rite|favourite) (?:justification|reason) (?:seemed|appeared) to be",
            r"\b(?:certainly|definitely) get (?:irked|annoyed)",
            r"\bwhat i (?:don't|do not) (?:understood|realize)",
            r"\bmuch more (?:\w+-)?(?:smartly|neatly|well)-(?:liked|favou?red|preferred|appreciated)",
            r"\bgreat[ ,]+i should (?:certainly|definitely) pronounce",
            r"\bno (?:trouble|problem) navigating",
            r"\b(?:my|our) (?:sister|daughter|niece|cousin|mother|girl|aunt|mum|father"
            r"|brother) (?:really )?"
            r"(?:delights in|loves|enjoys|likes|take interest in)",
            r"\bnot (?:certain|sure|positive) (?:where|the place) (?:you are|you're) getting your",
            r"\bspend (?:some|a while) (?:time )?(?:learning|studying|finding out) (?:much )?more",
            r"\bwas (?:looking|searching|in search) (?:for|of) this (?:info|information|particular)",
            r"\bcontinuous googl",
            r"\bonly wanna (?:remark|say|state|comment|tell|input)",
            r"\b(?:wanna|want to|wish to|should) remark on (?:some|few)",
            r"\bi (?:have|'ve|will have|ll have) bookmarked? ",
            r"\b(?:certain|sure) to (?:don't|do not) (?:omit|put out of your mind|fail to remember|forget)",
            r"\b(?:give it a|provides? it a) (?:look|glance)",
            r"\bwatch out for brussels",
            r"\bgonna watch out",
            r"\bexcellent goods from you|\b(?:fantastic|magnificent|great|wonderful) goods from you",
            r"\bwrit(?:ing|ten) (?:taste|style) is (?:ideal|perfect|great)",
            r"\bi (?:am|'m) (?:glad|happy) to (?:reading|convey)|\bi'm (?:glad|satisfied) (?:reading"
            r"|studying) your",
            r"\byou(?:'ve| have)? (?:made|hit the nail)(?: \w+){0,2} (?:clear|nice|good|decent"
            r"|fine) points",
            r"\blooked on the (?:internet|web|net) for",
            r"\bmost (?:individuals|people|folks|persons) will (?:agree|go along|approve|consent)",
            r"\b(?:wish|want|would like|need) to (?:express|get across|convey|show|point out) (?:my|some) "
            r"(?:\w+ ){0,2}(?:thanks|appreciation|respect|passion|gratitude|admiration|love)",
            r"\bbailing me out|\brescuing me from",
            r"\bfor your (?:kindness|generosity|kind-heartedness) (?:in support of|for supporting)",
            r"\b(?:precisely|simply|exactly) (?:needed|wanted|had) to (?:thank|appreciate|say thanks)",
            r"\bfound (?:exactly )?just what i (?:needed|was looking)",
            r"\bkeep up the (?:\w+ )?(?:good|great|nice|superb|excellent|fantastic|wonderful) (?:\w+ )?"
            r"(?:work|operate|paintings|writing|process|piece|spirit)",
            r"\bvery (?:good|nice|great|neat|well)(?:-| )?(?:written)? (?:post|article|information|info"
            r"|story)\b",
            r"\b(?:saved|added) (?:it |this )?(?:as a favou?rite|to (?:my )?(?:favou?rites|bookmarks"
            r"|del\.?icio))",
            r"\b(?:plenty|tons|lots|a lot) of (?:useful|valuable|helpful) (?:info|information)",
            r"\b(?:professional|expert) (?:web )?(?:writers?|blogger)\b",
            r"\byou (?:may be|are|must be|could be) (?:an|a)? ?(?:expert|professional|specialist) (?:in"
            r"|on) this",
            r"\b(?:one|some) of the (?:most|so much) (?:\w+ )?(?:significant|important|vital) (?:info"
            r"|information)",
            r"\b(?:awfully|really) (?:helpful|good|nice) (?:website|web site|web-site)",
            r"\bi (?:was )?(?:recommended|suggested) this (?:web ?site|blog|site) by",
            r"\bbrowser compatibility (?:issues|problems)",
            r"\bhow (?:can|could|do) i subscribe (?:for|to) a? ?(?:blog|weblog)",
            r"\ball the (?:time|posts) (?:emailed|e-mailed) this (?:blog|website|weblog)",
            r"\bthis (?:put up|submit|publish) (?:is|was|truly|has)",
        )
    )
)

LEFTOVER = re.compile(
    r"\{[^{}|]{1,80}\|[^{}]{1,300}\}|%[a-z_]{2,20}%|\[(?:keyword|name|link|url)\]|#\w+_?(?:anchor"
    r"|link)\b|¡¦|i¡|â€"
    r"|\bspin(?:ner)?tax\b|\[(?:trackback|pingback)\]"
    r"|\b\w*(?:sitewebsite|websiteblog|siteblog|blogsite|blogwebsite|postarticle|articlepost|blogpage)\w*\b"
)

# LEFTOVER matches only texts with one of these parts, which are found in less time.
LEFTOVER_HINTS = (
    *("{", "%", "[", "#", "¡", "â€", "spin"),
    *("siteweb", "siteblog", "blogsite", "blogweb", "postarticle", "articlepost", "blogpage"),
)

# Letters that no word has: keyboard noise, and names and codes that a program made.
NOISE = re.compile(
    r"[a-z](?:\d[a-zA-Z]+|[A-Z][a-z]*)\d|\b(?=[0-9a-f]{16,}\b)[a-f]*\d|[bcdfghjklmnpqrstvwxz]{6}"
)
NUMBERS = re.compile(r"(?<!\d)\d{4,8}(?!\d)")

PADDED = re.compile(r"\A\s*\d{4,8}\s+\d{4,8}|\A\s*\d{4,8}.*[^\d\s]\s*\d{4,8}\s*\Z", re.DOTALL)

# A text of up to three such words, as programs post that try out a form: letters and digits, at least one
# of them long.
RANDOM_WORD = re.compile(r"(?=[^\W_]*[^\W\d_])(?=[^\W_]*\d)[^\W_]{4,80}")
MAX_RANDOM_WORDS, MIN_RANDOM_LENGTH = 3, 16

# Names and sites

NAME_OF_SITE = re.compile(r"\w\s?@\s?\w|^[a-z]+ (?:from|at|of) |^(?:mr|mrs|ms|miss|dr|sir)\b")

LINKING_WORDS = word_set("and of for in to how what best top your with online near")

DOMAIN = re.compile(
    r"\b[\w-]{1,63}\.(?:com|net|org|info|biz|co|io|ru|cn|xyz|top|shop|site|online|de|uk|us|eu|in|lt|tv|me)\b",
    re.IGNORECASE,
)

# Hosts of personal profiles: a page one level deep there is normal.
PROFILE_HOST = re.compile(
    r"(?:^|\.)(?:facebook|twitter|x|github|gitlab|google|linkedin|myspace|livejournal|flickr|youtube"
    r"|instagram"
    r"|medium|tumblr|wordpress|blogspot|stackoverflow|about|sourceforge|launchpad|bitbucket|disqus|gravatar"
    r"|mastodon|codeplex|ycombinator)\.(?:com|org|net|me|io|social|blog)$"
)

SHORT_HOST = re.compile(r"(?:^|\.|-)(?:short(?:en)?(?:my|er|url|link)?s?|tinyurl|urlshort|korturl|miniurl)")

# Links and calls

LINK_MARKUP = re.compile(r"<a\s[^>]{0,500}href|\[url\b|\[link\b", re.IGNORECASE)

CALL_TO_ACTION = re.compile(
    r"\b(?:check|visit|see|watch|click|subscribe|sub|follow|like|join|view|try|download"
    r"|listen)\b(?:\s\w+){0,4}?\s"
    r"(?:my|our|me|us)\b(?:\s\w+){0,3}?\s?(?:channel|video|vid|page|site|website|web ?site|blog|link"
    r"|profile"
    r"|cover|covers|song|songs|music|playlist|company|store|shop|offer|weblog|homepage|out)\b"
    r"|\b(?:subscribe|sub) (?:to |me|for|please|pls|plz|and)|\bclick here\b|\bfeel free to (?:visit"
    r"|surf|stop by)\b"
    r"|\b(?:also|my) (?:visit|web) (?:my|page|site|blog)|\b(?<!to )(?<!will )(?<!'ll )check (?:this "
    r"|me |us )out\b"
    r"|\bearn(?:ed|ing|s)? (?:\$|money|cash|up to|extra)|\bfrom home\b|\bwork(?:ing)? online\b"
    r"|\bcontact (?:us|me) (?:at"
    r"|on|via|today)|\b(?:whatsapp|telegram)\b|\bfree (?:gift|trial|money|download|shipping|quote)\b"
)


def is_padded(text: str) -> bool:
    """Return whether numbers of four to eight digits surround the text, or two stand before it."""
    return PADDED.match(text) is not None


def is_random(text: str) -> bool:
    """Return whether a text consists of random characters instead of words."""
    words = text.split(maxsplit=MAX_RANDOM_WORDS)
    return (
        0 < len(words) <= MAX_RANDOM_WORDS
        and max(map(len, words)) >= MIN_RANDOM_LENGTH
        and all(map(RANDOM_WORD.fullmatch, words))
    )
