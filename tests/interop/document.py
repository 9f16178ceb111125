"""docs/interop.md from the outcomes of all rows.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re
import textwrap

DOCUMENT = '''# Interoperability

Calls between **{ours}** (`zrtp-peer`: the library without a pipeline) and **{theirs}**
(`bzrtp-peer`), and for what that one does not speak between two `zrtp-peer`, each end a process of
its own, over UDP sockets on loopback. All ends do their SRTP with libsrtp2, from the keys that their
own ZRTP gave them.

A call passes when both ends are secure with the algorithms asked for, show the same SAS, export the
same key (RFC 6189 §4.5.2), play opposite roles, and SRTP packets with the expected payload came
through each way on each stream: all of them without loss, at least {enough} with loss. Loss is applied
to each datagram, ZRTP and media alike, on sending. In some rows one end protects with a wrong key on
purpose: they pass when the other end accepts nothing.

The role is ours; "either" takes what Commit contention gives (RFC 6189 §4.2). We commit as soon as
we have the peer's Hello, so we are responder only when our Commit loses: those calls are made again
until it does. bzrtp commits only after a HelloACK: where we are initiator, it gets none. "Packets
out" counts ours that the other end decrypted with the right payload, "packets in" theirs that we
did.

{passed} of {total} rows passed. Written by

    python3 tests/interop/run.py --build build --write-docs docs/interop.md
    python3 tests/interop/pipeline.py --build build --append-docs docs/interop.md

## bzrtp: algorithms

{algorithms}

## bzrtp: several streams

The first stream makes a DH exchange, the others use Multistream mode (RFC 6189 §4.4.3) and show the SAS
of the first. Packets are those of the streams one by one.

{streams}

## bzrtp: secrets and signalling

Retained secrets (RFC 6189 §4.3, §4.6.1), auxsecret and a=zrtp-hash (§8.1). We keep our secrets in a
GstZrtpMemoryCache, bzrtp in a SQLite file; both processes last for all calls of a story. A line is a
call, with what each end said of it; the retained secret (rs1) is the one that an end has after the
call. In the last story a PBX of ours joins a phone of ours and bzrtp.

{secrets}

## Ourselves: algorithms

{self-algorithms}

## Ourselves: several streams

Any of the streams may be the first to be answered when packets are lost; then that one makes the DH
exchange.

{self-streams}

## Ourselves: Preshared mode, clear mode, PBX

The PBX is a `zrtp-peer` that joins two calls and passes the media on, so each packet is protected
twice on its way.

{self-stories}

## What bzrtp 5.1.64 lacks or does in its own way

{offers}
* There is no GCM, no SHA-512 or SHA-3, no NIST curve, no Preshared mode, no clear mode and no PBX;
  these are tried between two ends of ours.
* It has two channels at a time: bzrtp_addChannel() refuses a third with
  BZRTP_ERROR_UNABLETOADDCHANNEL. In the rows with three streams the third one takes the channel of
  the second when that one's SRTP runs.
* A channel can be added only after the first is secure and drops what came before. Our Commit for
  the second stream may come before our Hello is repeated; then it is dropped, and the stream is
  secure some 150 ms later.
* Its Hello lists HS32 first, and in Multistream mode it commits to its own first choice: when all
  defaults are offered, one call may have an 80-bit tag on the first stream and 32 bits on the second.
* It tells neither its role nor lets a key be exported in Multistream mode, nor after a cache mismatch
  before the user has verified the SAS.
* As initiator it is secure only when Conf2ACK comes; that the first valid SRTP packet counts as one
  (RFC 6189 §4.6, a MUST) it does not know. In the row where this was worst it had decrypted {early} of our
  packets by then, and sent clear RTP or nothing meanwhile. We answer every Confirm2 that it repeats.
* A Hello that does not match a=zrtp-hash is dropped; the other end is not told (RFC 6189 §8.1 asks for
  nothing else), so it sees silence.
'''

STREAMS = '''| # | streams | hash | cipher | our roles | loss | remark | result | SAS equal | packets out | packets in |
|--:|--:|---|---|---|--:|---|---|---|---|---|
'''
ALGORITHMS = '''| # | key agreement | hash | cipher | auth tag | SAS | role | loss | remark | result | SAS equal | packets out | packets in |
|--:|---|---|---|---|---|---|--:|---|---|---|--:|--:|
'''
STORIES = '''| # | story | call | what the ends say | rs1 | result |
|--:|---|---|---|---|---|
'''


def line(cells):
    return '| ' + ' | '.join(str(cell) for cell in cells) + ' |\n'


def result_of(problems):
    return 'failed: ' + problems[0] if problems else 'passed'


def streams_of(results, side):
    return results.get(side, {}).get('streams', [])


def packets(results, receiver, sender):
    return ', '.join(f'{there["pattern_ok"]} of {here["sent"]}' for there, here in zip(
        streams_of(results, receiver), streams_of(results, sender)))


def one_sas(results):
    said = {stream['sas'].replace(':', ' ').lower() for side in results for stream in streams_of(results, side)}
    return 'yes' if len(said - {'-'}) == 1 else 'no'


def algorithm_line(number, outcome):
    row, results = outcome.row, outcome.results[0]
    ours = (streams_of(results, 'ours') or [{}])[0]
    role = ours.get('role', '-') if row.role != 'any' else f'either ({ours.get("role", "-")})'
    algorithms = [ours.get(field, '-') for field in ('ka', 'hash', 'cipher', 'auth', 'sas_type')]
    return line([number, *algorithms, role, f'{row.loss} %', row.remark(), result_of(outcome.all_problems()),
                 one_sas(results), packets(results, 'theirs', 'ours'), packets(results, 'ours', 'theirs')])


def stream_line(number, outcome):
    row, results = outcome.row, outcome.results[0]
    roles = ', '.join(stream['role'] for stream in streams_of(results, 'ours'))
    return line([number, row.streams, row.hash, row.cipher, roles, f'{row.loss} %', row.remark(),
                 result_of(outcome.all_problems()), one_sas(results), packets(results, 'theirs', 'ours'),
                 packets(results, 'ours', 'theirs')])


def said(call, results, side):
    """The fields that the call is about, as the end told them."""
    names = [re.match(r'\w+(?:@\d)?', word).group() for word in call.expect.get(side, '').split()]
    told = []
    for name in names:
        field, _, stream = name.partition('@')
        streams = streams_of(results, side)
        value = streams[int(stream or 0)].get(field, '-') if len(streams) > int(stream or 0) else '-'
        label = field.replace('_', ' ') + (f' of stream {stream}' if stream else '')
        if value != '-':
            told.append(f'{label} {value}')
    return f'{side}: {", ".join(told)}' if told else ''


def secrets_after(results, before):
    sides = [side for side in results if streams_of(results, side)]
    now = {side: streams_of(results, side)[0].get('rs1') for side in sides}
    if not any(now.values()):
        return ''
    then = {side: streams_of(before, side)[0].get('rs1') if before else None for side in sides}
    parts = [f'{side} {"none" if not now[side] else "kept" if now[side] == then[side] else "new"}' for side in sides]
    if len(sides) == 2:
        parts.append('the same' if len(set(now.values())) == 1 else 'different')
    return ', '.join(parts)


def story_lines(number, outcome):
    text, before = '', None
    for i, (call, results) in enumerate(zip(outcome.row.calls, outcome.results)):
        name = outcome.row.name() if i == 0 else ''
        text += line([f'{number}' if i == 0 else '', name, call.what,
                      '; '.join(filter(None, (said(call, results, side) for side in results))),
                      secrets_after(results, before) if len(outcome.row.calls) > 1 else '',
                      result_of(outcome.problems[i])])
        before = results
    return text


FORMS = {
    'algorithms': (ALGORITHMS, algorithm_line), 'self-algorithms': (ALGORITHMS, algorithm_line),
    'streams': (STREAMS, stream_line), 'self-streams': (STREAMS, stream_line),
    'secrets': (STORIES, story_lines), 'self-stories': (STORIES, story_lines),
}


def offers(outcomes):
    """What bzrtp said of itself where it was left its defaults."""
    for outcome in outcomes['algorithms']:
        if outcome.row.defaults:
            names = streams_of(outcome.results[0], 'theirs')[0]['offers'].replace('+', ', ')
            return textwrap.fill(f'* It offers {names}.', 100, subsequent_indent='  ')
    return ''


def worst_wait(outcomes):
    """Packets that bzrtp decrypted before it took the stream for secure."""
    return max((stream['early'] for section in ('algorithms', 'streams') for outcome in outcomes[section]
                for stream in streams_of(outcome.results[0], 'theirs')), default=0)


def write(path, outcomes, ours, theirs, enough):
    tables, number = {}, 0
    for section, rows in outcomes.items():
        head, form = FORMS[section]
        tables[section] = head
        for outcome in rows:
            number += 1
            tables[section] += form(number, outcome)
        tables[section] = tables[section].rstrip('\n')
    everything = [outcome for rows in outcomes.values() for outcome in rows]
    path.write_text(DOCUMENT.format(
        ours=ours, theirs=theirs, enough=enough, offers=offers(outcomes), early=worst_wait(outcomes), total=len(everything),
        passed=sum(not outcome.all_problems() for outcome in everything), **tables), encoding='utf-8')
