"""Short lists of English words, by what they indicate."""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(words.split())


# Words that tell nothing about the subject of a text.
STOP_WORDS = word_set("""
able about above actually after again against agree almost alone along already also although always among
another anybody anyone anything anyway anywhere around away back based because been before being believe
below best better between bring call called came cannot can't case certain certainly change check clear come
comes coming common could couldn't course days definitely didn't different does doesn't doing done don't
down each easily easy either else enough especially even ever every everyone everything exactly example fact
feel felt few find fine first found from further gave generally gets getting give given gives goes going
gone guess hadn't happen happened happens hard hasn't have haven't having help helped here high hope
hopefully however huge idea ideas important indeed instead into isn't issue issues it'll it's itself i've
i'll just keep keeping kind knew know known knows last later least leave left less let's life like likely
literally little live long longer look looked looking looks lots made mainly make makes making many maybe
mean means mention mentioned might mind moment more most mostly much must myself need needed needs never
next nice none nothing now number obviously often okay once ones only onto other others otherwise ours over
part particular people perhaps person place please plus point points possible pretty probably problem
problems quite rather read reading real really reason recent recently regard regarding right said same
saying says second seem seemed seems seen several shall share shared sharing should shouldn't show simple
simply since small some somebody somehow someone something sometimes somewhat soon sorry sort still stuff
such sure take taken takes taking talk talking tell than that that's their them themselves then there
there's therefore these they they're thing things think thinking this those though thought through thus time
times today together told too took totally towards tried truly trying turn under understand unless until
upon used useful using usually very want wanted wants wasn't way ways week weeks well went were weren't what
whatever what's when where whether which while whole whom whose will wish with within without won't wonder
word words work worked working works world worth would wouldn't write wrong year years yesterday you'd
you'll your you're yours yourself you've
""")
PRAISE_WORDS = word_set("""
admire amazed amazing appreciate appreciated awesome beautiful brilliant cheers congrats congratulations
cool enjoy enjoyed enjoyable enlightening excellent exceptional fabulous fantastic fascinating genuinely
glad good gorgeous grateful gratitude great helpful impressed impressive incredible informative insightful
inspiring interesting invaluable keen kudos loved lovely love magnificent marvelous nice outstanding perfect
pleased pleasant precious priceless remarkable smart solid splendid stunning stylish super superb terrific
thank thankful thanks thx tremendous useful valuable wonderful wow
""")
SITE_WORDS = word_set("""
article articles author authors blog blogger bloggers blogging blogroll blogs bookmark bookmarked
bookmarking browser comment comments content contents design entry feed google info information internet
layout newsletter niche online page pages paragraph paragraphs piece post posted posting posts reader
readers rss site sites subject subscribe theme topic topics updates viewers visit visited visiting visitor
visitors web weblog weblogs webmaster webmasters webpage website websites write-up writer writeup writing
written yahoo
""")
SALES_WORDS = word_set("""
affiliate airfare apartments auto automotive backlinks bedding betting bingo bitcoin bonus brokers buy
buying cams carpet casino cheap cialis cleaning clinic clinics clothing commission condo contractor
cosmetics coupon coupons credit crypto customers dating deals dealership dentist detox diet discount
discounts download earn escort escorts essay estate fashion finance financial fitness flights followers
forex free furniture gambling garcinia gift gifts handbags hosting hotel hotels improvement insurance
investment investing jackpot jerseys jewelry keto lawyer lawyers legit lenders levitra loan loans locksmith
lottery luxury marketing massage mattress mattresses merchandise mlm mortgage outlet payday pharmacy pills
plumber plumbing poker porn porno promo promotion proxies realtor remodeling rental rentals repair replica
roofing sale sales seo sex shoes shop shopping slimming slot slots software solutions store suppliers
supplements tadalafil tickets travel treatment tutorials vacation vacations viagra vpn watches webcam
wedding wholesale
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
