"""The sentences of RFC 6189 that say MUST, SHOULD, MAY and the like, taken from its text.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re

# RFC 2119, the strongest first: a sentence with several of them has the level of the strongest.
LEVELS = ['MUST NOT', 'MUST', 'SHALL NOT', 'SHALL', 'REQUIRED', 'SHOULD NOT', 'SHOULD',
          'NOT RECOMMENDED', 'RECOMMENDED', 'MAY', 'OPTIONAL']
KEY_WORD = re.compile(r'\b(?:' + '|'.join(LEVELS) + r')\b')

# What these two say of MUST and SHOULD is no demand: the abstract, and "Terminology" that defines them.
NOT_NORMATIVE = {'', '2'}

HEADING = re.compile(r'(\d+(?:\.\d+)*)\.  (\S.*)')
SENTENCE_END = re.compile(r'(?<=[.?!:])[")]*\s+(?=["\'(]*[A-Z0-9])')
ABBREVIATION = re.compile(r'(?:\b(?:e\.g|i\.e|vs|etc)\.|\b\d\)|:)$')


def normalise(text):
    return ' '.join(text.split())


def is_drawing(line):
    """Figures and tables: their lines begin with a rule or a box."""
    return re.match(r'\s*(?:[|+]|--|0 1 2 3|0  +1  )', line) is not None


def paragraphs(text):
    """(section, paragraph) of everything behind the table of contents."""
    section, lines = '', []

    def flush():
        joined = normalise(' '.join(lines))
        lines.clear()
        if joined:
            yield section, re.sub(r'^[o-] ', '', joined)

    for line in text.splitlines():
        heading = HEADING.fullmatch(line)
        if heading or not line.strip() or is_drawing(line):
            yield from flush()
            section = heading.group(1) if heading else section
        else:
            lines.append(line)
    yield from flush()


def sentences(paragraph):
    start = 0
    for end in SENTENCE_END.finditer(paragraph):
        if not ABBREVIATION.search(paragraph[:end.start()]):
            yield paragraph[start:end.end()].strip()
            start = end.end()
    yield paragraph[start:].strip()


def level_of(sentence):
    """The strongest key word; "is not a REQUIRED feature" says OPTIONAL. None without a key word."""
    found = set(KEY_WORD.findall(sentence.replace('not a REQUIRED', 'OPTIONAL')))
    return next((level for level in LEVELS if level in found), None)


def titles(text):
    """The section numbers and what the sections are called."""
    return dict(heading.groups() for heading in map(HEADING.fullmatch, text.splitlines()) if heading)


def normative_sentences(text):
    """[(section, sentence)] in the order of the text."""
    return [(section, sentence) for section, paragraph in paragraphs(text)
            if section not in NOT_NORMATIVE
            for sentence in sentences(paragraph) if level_of(sentence)]
