"""Lists of English words, and of link shorteners, for the checks.

The groups of similar comments (GROUP_…) and the spam filter share most words and differ in some: a group
counts a word once for each comment, the filter by its share of the text. With one list for both, the groups
caught more good comments. A new word belongs to the shared part.
"""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(words.split())


# Words that tell nothing about the subject of a text.
_STOP = word_set("""
a able about above actually add after again ago agree all almost already also always am an and another any are
as ask at away back bad be because been before being believe best better big bit bring but by call came can
case certain certainly change check clear come comes coming common could course days definitely did different
do does doing don't down each easily easy else end enough especially even ever every exactly example fact far
feel felt few find fine first for found from further get gets give given go going got guess had happen happens
hard has have having he help helped her here hey high him his hope how however huge i i'd i'll i'm i've idea
ideas if important in into is issue issues it it'll it's its itself just keep keeping kind knew know known
knows last later least left less let life like literally little live long longer look looked looking looks
lots made make makes making many may maybe me mean might mind moment more most mostly mr much must my need
needed needs never new next no nor not nothing now number obviously of off often okay old on once one only or
other our out over own part people perhaps person place plus point points possible pretty probably problem
problems put quite rather read really reason recently right same say second see seem several share shared
sharing she should show simple simply since small so some somebody someone something sometimes somewhat soon
sorry still such sure take talk tell than that that's the their them then there there's these they thing
things think thinking this those though thought through thus time to today told too totally truly trying turn
two under understand until up upon us use used very want wanted was way ways we week weeks well were what
whatever when where whether which while who whole whom why will wish with within without won't wonder word
words work working worth would wrong year years yes yet you you'd you'll you're you've your yours
""")
STOP_WORDS = _STOP | word_set("""
against alone along although among anybody anyone anything anyway anywhere around based below between called
can't cannot couldn't didn't doesn't done either everyone everything gave generally getting gives goes gone
hadn't happened hasn't haven't hopefully indeed instead isn't leave let's likely mainly means mention
mentioned myself nice none ones onto others otherwise ours particular please reading real recent regard
regarding said saying says seemed seems seen shall shouldn't somehow sort stuff taken takes taking talking
themselves therefore they're times together took towards tried unless useful using usually wants wasn't went
weren't what's whose worked works world wouldn't write yesterday yourself
""")
GROUP_STOP_WORDS = _STOP | word_set("""
answer both care clearly comment comments definite doubt good guys hand happy hello helps here's hers hoped
house lets lost main month months news numbers obvious open parts question realize regards side significantly
stay story subject surely that'll thoughts
""")
# Words of generic praise.
_PRAISE = word_set("""
amazing appreciate appreciated awesome brilliant congrats cool enjoy enjoyed excellent fabulous fantastic
genuinely glad good grateful great helpful impressed impressive informative inspiring interesting kudos love
loved lovely magnificent marvelous nice outstanding perfect pleasant pleased remarkable splendid stunning
super superb terrific thank thankful thanks thx useful valuable wonderful wow
""")
PRAISE_WORDS = _PRAISE | word_set("""
admire amazed beautiful cheers congratulations enjoyable enlightening exceptional fascinating gorgeous
gratitude incredible insightful invaluable keen precious priceless smart solid stylish tremendous
""")
GROUP_PRAISE_WORDS = _PRAISE | word_set("enjoying extraordinary favorite favourite greetings thankyou")
# Words about a website instead of its subject.
_SITE = word_set("""
article articles author blog blogger bloggers blogging blogroll blogs bookmark bookmarked bookmarking browser
content contents design entry feed google info information internet layout newsletter niche online page pages
paragraph piece post posted posting posts reader readers rss site sites subscribe theme topics updates visit
visited visiting visitor web weblog weblogs webmaster webmasters webpage website websites write-up writer
writeup writing written yahoo
""")
SITE_WORDS = _SITE | word_set("authors comment comments paragraphs subject topic viewers visitors")
GROUP_SITE_WORDS = _SITE | word_set(
    "feeds magazine msn spelling stumbled subscription surfing typos web-site wordpress write"
)
# What is left of a text without these words is its subject.
IGNORED_WORDS = STOP_WORDS | PRAISE_WORDS | SITE_WORDS
GROUP_IGNORED_WORDS = GROUP_STOP_WORDS | GROUP_PRAISE_WORDS | GROUP_SITE_WORDS
# Words used in selling.
_SALES = word_set("""
affiliate backlinks betting bitcoin bonus brokers buy buying casino cheap cialis clinic commission coupon
coupons credit customers deals discount discounts earn escort escorts fashion flights followers forex free
gambling handbags hosting hotel hotels insurance investment jackpot jerseys keto legit lenders levitra loan
loans lottery luxury mattress merchandise mortgage outlet pharmacy pills poker porn porno promo promotion
proxies replica sale sales seo shop shopping slot slots solutions store supplements tadalafil tickets travel
viagra vpn watches wholesale
""")
SALES_WORDS = _SALES | word_set("""
airfare apartments auto automotive bedding bingo cams carpet cleaning clinics clothing condo contractor
cosmetics crypto dating dealership dentist detox diet download essay estate finance financial fitness
furniture garcinia gift gifts improvement investing jewelry lawyer lawyers locksmith marketing massage
mattresses mlm payday plumber plumbing realtor remodeling rental rentals repair roofing sex shoes slimming
software suppliers treatment tutorials vacation vacations webcam wedding
""")
GROUP_SALES_WORDS = _SALES | word_set("gossip klonopin prices profit websites")
# The groups search a text for phrases.SITE_MENTIONS only if it has one of these words, which is faster.
SITE_MENTION_WORDS = word_set("""
article articles blog blogging blogroll blogrolls blogs book-mark book-marked book-marking book-marks bookmark
bookmarked bookmarking bookmarks content contents design designs engine engines entries favorite favorites
favourite favourites feed layout layouts log logs newsletter newsletters online onlines page pages paragraph
paragraphs piece pieces post posting posts rss site sites spam spams stumbled stumbledupon stumbledupons
surfing theme themes web web-log web-logs web-page web-pages web-site web-sites weblog weblogs webmaster
webmasters webpage webpages webs website websites write write-up write-ups writes writeup writeups
""")
# Sales words that are rarely used for anything else: they count in a body, where "software" does not.
PRODUCT_WORDS = SALES_WORDS - word_set("""
auto buy buying cheap cleaning credit customers deals diet download earn essay estate finance financial free
gift gifts hosting improvement investment marketing repair rental sale sales sex shoes shop shopping
software solutions store tickets travel treatment tutorials wedding
""")
TOPIC_WORDS = word_set("""
art arts beauty business career cars computer cruise education electronics entertainment family food games
gaming health healthy home house industry kids lifestyle law medical money music news parenting pets
politics property recipes science shopping sports tech technology tips tourism trading travelling wellness
women woman world
""")  # categories of web directories; a name that is only such a word is no person's
LINK_SHORTENERS = word_set("""
bit.ly tinyurl.com goo.gl t.co ow.ly is.gd buff.ly adf.ly shorte.st cutt.ly rebrand.ly tiny.cc bit.do x.co
v.gd korturl.no shortmyurls.com ouo.io soo.gd s.id rb.gy t.ly urlz.fr
""")
