"""Features of the body, alone and beside its story, as numbers. Pure functions.

A feature that is missing from the result is unknown: there is no story, or the text is too short. The
features that a moderator is shown are signals (features/signals/text.py).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain
from math import log1p

from core.memory.text_cache import text_cache
from moderation.features.folding import fold_case_and_accents
from moderation.features.links import host_of
from moderation.features.scripts import main_script
from moderation.features.text_reading import CACHED_CHARACTERS, ParsedComment, stems_of_article
from moderation.features.words import find_words
from moderation.spam_filter.classifier.reference import Reference, ngram_hashes

MAX_WORDS = 250  # words of a body that are read
SHORT = 8  # words of a text whose language a single word tells
MAX_LETTERS = 600  # letters of a body that are compared with usual ones
MAX_LINKS = 10  # links of a body that are read
LATIN = "Lati"
STORY_SAMPLE = 1_000  # characters of a story that tell its language
_EMOTICON = re.compile(r"(?<!\w)[:;=]-?[)(dp](?!\w)|\^_?\^|[\U0001F300-\U0001FAFF]")
# The most frequent words of languages in Latin letters, without accents, as texts are folded.
_FREQUENT = {
    "en": """the and to of you that is for this it with have your was are on my but not can be just from what
        so""",
    "es": "de la que el en los las por con para una es no se lo como pero mas muy esta mi gracias",
    "pt": "de que nao em para uma com os um por mais como mas muito isso voce esta ser tem bem aqui obrigado",
    "fr": "le les des est une pour dans que qui pas sur vous ce je plus avec il mais merci cette sont",
    "de": "der die und das ist nicht ich ein zu mit auf es fur auch eine den wie aber wenn man",
    "it": "di che il non per una sono con del della anche piu questo molto come ho mi grazie",
    "pl": "sie nie na jest ze to do jak ale tak czy za po dla juz co tego bardzo przez od",
    "nl": "de het een van en dat is niet ik met voor op zijn maar ook wel je naar dit",
    "id": "yang dan di ini untuk dengan tidak saya ada itu dari bisa juga akan anda kami",
    "tr": "bir ve bu cok da icin ne var ama gibi daha degil olarak ben mi",
    "cs": "je se na ze to jsem ale jak tak by si pro jako co neni uz kdyz toho",
}
_LANGUAGES: defaultdict[str, list[str]] = defaultdict(list)  # of each of these words
for _language, _words in _FREQUENT.items():
    for _word in _words.split():
        _LANGUAGES[_word].append(_language)


def text_features(comment: ParsedComment, reference: Reference) -> dict[str, float]:
    """Return the features of the body and of its story."""
    words = comment.word_texts[:MAX_WORDS]
    language = language_of(comment.plain, words)
    runs = ngram_hashes(words)
    return {
        "spam_runs": log1p(sum(map(reference.spam_runs.__contains__, runs[-1]))),
        "blocked": log1p(sum(map(reference.blocked.__contains__, chain(*runs)))),
        "emoticon": float(_EMOTICON.search(comment.plain) is not None),
        **_letter_features(comment, words, language, reference),
        **_link_features(comment, words, reference),
        **_story_features(comment, language),
    }


def language_of(text: str, words: Sequence[str]) -> str:
    """Return the language of a folded text by its frequent words, its script if that is not Latin, or ""."""
    script = main_script(text)
    if script != LATIN:
        return script
    counts = Counter(chain.from_iterable(_LANGUAGES.get(word, ()) for word in words))
    for best, count in counts.most_common(1):
        if count >= 2 or len(words) < SHORT:
            return best
    return ""


def _letter_features(
    comment: ParsedComment, words: Sequence[str], language: str, reference: Reference
) -> dict[str, float]:
    features = {"noise": float(comment.has_noise)}
    if len(words) > 2 and language in {"en", ""} and main_script(comment.plain) == LATIN:
        features["letters"] = reference.usual_letters(" ".join(words)[:MAX_LETTERS])
    return features


def _link_features(comment: ParsedComment, words: Sequence[str], reference: Reference) -> dict[str, float]:
    hosts = {host_of(m[0]) for m in comment.links[:MAX_LINKS]}
    labels = [re.sub(r"[^a-z]", "", name.rpartition(".")[0]) for name in hosts if name]
    return {
        "link_only": float(bool(comment.links) and len(words) < 4),
        "link_known_words": min((reference.known_share(label) for label in labels), default=1.0),
    }


def _story_features(comment: ParsedComment, language: str) -> dict[str, float]:
    title, text = comment.data.article_title or "", comment.data.article_text or ""
    features: dict[str, float] = {}
    if not (title or text):
        return features
    stems = {stem for stem, _match in comment.content_words}
    features["english_elsewhere"] = float(language == "en" and story_language(comment) not in {"en", ""})
    if title:
        of_title = stems_of_article(title, "")
        features["title_share"] = len(stems & of_title) / max(1, len(of_title))
    return features


def story_language(comment: ParsedComment) -> str:
    """Return the language of a comment's story as language_of does, or "" without a story."""
    return _story_language(
        f"{comment.data.article_title or ''}\n{(comment.data.article_text or '')[:STORY_SAMPLE]}"
    )


@text_cache(CACHED_CHARACTERS)
def _story_language(story: str) -> str:
    folded = fold_case_and_accents(story)
    return language_of(folded, find_words(folded)[:MAX_WORDS])
