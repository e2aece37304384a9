"""The words that names are made of. Pure.

Names of assets share few words: a million tables are called after some hundred things and numbered. So a slip of the
pen is looked for among the words, not among the names.
"""

import re

SHORTEST, LONGEST = 3, 40
SHORT = 5
MOST_MEANT = 5
LETTERS = re.compile(r"[^\W\d_]+")
HUMP = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")
ASKED = re.compile(r"[^\W_]+")


def of(name: str) -> set[str]:
    """The words of a name in lower case: runs of letters, and the parts of those that are spelt inCamelCase."""
    found: set[str] = set()
    for run in LETTERS.findall(name):
        parts = HUMP.split(run)
        found.update(part.lower() for part in (run, *parts) if SHORTEST <= len(part) <= LONGEST)
    return found


def asked(text: str) -> list[str]:
    """The words and numbers of what somebody types, each once, in their order."""
    return list(dict.fromkeys(word.lower() for word in ASKED.findall(text)))


def distance(left: str, right: str) -> int:
    """How many slips lie between two words: a letter too many, missing or wrong, or two neighbours swapped."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        oldest, before, row = before, row, [i]
        for j, b in enumerate(right, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, oldest[j - 2] + 1)
            row.append(best)
    return row[-1]


def nearest(word: str, similar: list[str]) -> list[str]:
    """Of words that share trigrams with `word`, the most similar first, those with the fewest slips.

    One slip is allowed in short words and two in longer ones. When none is so near, the word may be a compound or
    cut short: then the first few stand for it.
    """
    slips = {known: distance(word, known) for known in similar}
    fewest = min(slips.values(), default=0)
    if fewest <= (1 if len(word) <= SHORT else 2):
        return [known for known in similar if slips[known] == fewest][:MOST_MEANT]
    return similar[:MOST_MEANT] if len(word) > SHORT else []
