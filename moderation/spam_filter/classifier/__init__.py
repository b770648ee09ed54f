"""The classifier: features of a comment, their weights, a probability and its explanation. Pure functions.

reference         known words, frequencies of letters, blocked terms, phrases of spam
author_features   features of the name and the website
text_features     features of the body and its story
ngrams            words and characters as features, and the small models that score them
starter           features and weights that come with the program, trained on other sites
model             the starter with a site's corrections: a score, its parts, and learning
"""
