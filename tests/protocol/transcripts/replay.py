"""Follows the transcript of a call and computes it all anew, by RFC 6189, from what the ends drew and were given.

`Replay(lines).run()` raises wire.Disagreement at the first thing that is not as it should be. The format of the lines
is SCHEMA below.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import subprocess
from types import SimpleNamespace

import derive
import wire
from derive import HASHES, IMPLICIT, LABELS, Hash, counted, number
from wire import KINDS, Disagreement, require, same

# --- The format of a transcript ------------------------------------------------------------------


class Octets:
    """In the schema: a string of hexadecimal digits."""


class Maybe:
    """In the schema: the thing, or null."""

    def __init__(self, kind):
        self.kind = kind


RECORD = {'rs1': Maybe(Octets), 'rs2': Maybe(Octets), 'pbx': Maybe(Octets), 'verified': bool,
          'rs2_verified': bool, 'expiry': int, 'preshared_calls': int}
NO_RECORD = {'rs1': None, 'rs2': None, 'pbx': None, 'verified': False, 'rs2_verified': False,
             'expiry': 0, 'preshared_calls': 0}
CHOICE = {kind: str for kind in KINDS}
SDES = {'key': Octets, 'salt': Octets}

# Each line is a JSON object; `line` says which of these it is. The order is that of time.
SCHEMA = {
    'scenario': {'name': str},
    # What an end was given for the call; of SDES the key that it sends with, then the peer's.
    'end': {'end': str, 'zid': Octets, 'record': Maybe(RECORD), 'aux': Maybe(Octets), 'sdes': [Maybe(SDES)]},
    # What it was given for a stream, and its a=zrtp-hash.
    'stream': {'stream': int, 'end': str, 'ssrc': int, 'client_id': Octets, 'lists': {kind: [str] for kind in KINDS},
               'expiry': int, 'allow_preshared': bool, 'allow_clear': bool, 'disclosure': bool, 'mitm': bool,
               'enroll': bool, 'hello_hash': Octets},
    # Random octets that an end drew.
    'draw': {'end': str, 'octets': Octets},
    # On the wire; whether it arrived does not matter here.
    'packet': {'stream': int, 'end': str, 'octets': Octets},
    # What the ends tell their owners.
    'receive-key': {'stream': int, 'end': str, 'cipher': str, 'auth_tag': str, 'octets': Octets},
    'send-key': {'stream': int, 'end': str, 'cipher': str, 'auth_tag': str, 'octets': Octets},
    'store': {'stream': int, 'end': str, 'before': RECORD, 'after': RECORD, 'erase': bool, 'matched': Maybe(Octets),
              'choice': CHOICE},
    'secure': {'stream': int, 'end': str, 'sas': str, 'mode': str, 'role': str, 'choice': CHOICE, 'verified': bool,
               'mismatch': bool, 'aux_mismatch': bool, 'enrolled': bool, 'peer_allows_clear': bool,
               'peer_disclosure': bool, 'peer_mitm': bool, 'peer_zid': Octets, 'peer_client_id': Octets},
    # The user said whether the SAS was the same.
    'sas-verified': {'stream': int, 'end': str, 'matches': bool},
    # The PBX asks to be trusted; the user agrees.
    'enrollment': {'stream': int, 'end': str},
    'accept-enrollment': {'stream': int, 'end': str},
    # A PBX is told to relay a SAS; a phone shows it.
    'relay-sas': {'stream': int, 'end': str, 'sas_type': str, 'sashash': Maybe(Octets), 'verified': bool,
                  'disclosure': bool},
    'relayed-sas': {'stream': int, 'end': str, 'sas': str, 'sas_type': str, 'relayed': bool, 'verified': bool,
                    'disclosure': bool},
    # The user wants clear mode, takes note that the peer wants it, wants to be secure again.
    'go-clear': {'end': str},
    'accept-clear': {'end': str},
    'go-secure': {'end': str},
    # An end forgets its keys; it is in clear mode, or waits for its user.
    'drop-keys': {'stream': int, 'end': str},
    'clear': {'stream': int, 'end': str, 'by_peer': bool, 'waiting': bool},
    # What the call has to give when it is secure.
    'sashash': {'end': str, 'octets': Octets},
    'exported-key': {'end': str, 'label': str, 'octets': Octets},
    # A SAS by itself, to see every word.
    'rendering': {'sas_type': str, 'sashash': Octets, 'sas': str},
    # How many lines there are, this one too.
    'done': {'lines': int},
}


def conform(value, kind, what):
    """`value` as the schema says it must be, hexadecimal digits as bytes, objects as namespaces."""
    if isinstance(kind, Maybe):
        return None if value is None else conform(value, kind.kind, what)
    if kind is Octets:
        require(isinstance(value, str) and value == value.lower(), f'{what} is not hexadecimal')
        try:
            return bytes.fromhex(value)
        except ValueError as error:
            raise Disagreement(f'{what}: {error}') from error
    if isinstance(kind, list):
        require(isinstance(value, list), f'{what} is no list')
        return [conform(item, kind[0], what) for item in value]
    if isinstance(kind, dict):
        require(isinstance(value, dict), f'{what} is no object')
        same(sorted(value), sorted(kind), f'the list of members of {what}')
        fields = {name: conform(value[name], kind[name], f'{name} of {what}') for name in kind}
        return fields if kind is CHOICE or set(kind) == set(KINDS) else SimpleNamespace(**fields)
    require(type(value) is kind, f'{what} is no {kind.__name__}')
    return value


# --- The ends and their streams ------------------------------------------------------------------


class End:
    """One of the two: what it was given for the call, and what it has by now."""

    def __init__(self, given):
        self.name = given.end
        self.zid = given.zid
        self.record = given.record
        self.aux = given.aux
        self.sdes = given.sdes
        self.draws = []
        self.claims = {}      # (index of the draw, offset, size): purpose
        self.session = None   # ZRTPSess, sashash, ExportedKey and what goes with them, §4.5.2
        self.previous = self.pending = None  # the record as it was, and with what this call made
        self.delayed = False  # `pending` may not be stored yet (§4.6.1.1)
        self.cached = None    # what it has stored last
        self.denied = False   # its user said that the SAS does not match
        self.owed = None      # a record that is to be stored because of what the user said
        self.verified = False # this call's SAS, by both ends
        self.wants_clear = self.accepts_clear = False
        self.sides = {}
        self.told = set()

    def claim(self, index, offset, size, purpose):
        """Random octets are for one purpose (§4.8: "freshly generated")."""
        for (other, start, length), used in self.claims.items():
            if other == index and offset < start + length and start < offset + size:
                same((start, length, used), (offset, size, purpose), f'a use of random octets by {self.name}')
        self.claims[index, offset, size] = purpose

    def claim_octets(self, octets, purpose):
        """A random field of a message must have been drawn."""
        places = [(index, draw.find(octets)) for index, draw in enumerate(self.draws) if octets in draw]
        require(len(places) == 1, f'{purpose} of {self.name} was drawn {len(places)} times')
        self.claim(*places[0], len(octets), purpose)

    def claim_h0(self, h3):
        for index, draw in enumerate(self.draws):
            chain = derive.chain(draw[:32])
            if chain[3] == h3:
                self.claim(index, 0, 32, f'H0 {h3.hex()}')
                return chain
        raise Disagreement(f'H3 of {self.name} does not come from an H0 that it drew')

    def claim_secret_value(self, agreement, pv):
        for index, draw in enumerate(self.draws):
            secret = derive.secret_value(agreement, draw)
            if secret is not None and derive.public_value(agreement, secret) == pv:
                self.claim(index, 0, len(draw), f'secret value for {pv.hex()}')
                return secret, len(draw)
        raise Disagreement(f'the public value of {self.name} does not come from a secret value that it drew')

    def retained(self, name):
        return getattr(self.record, name, None) if self.record else None


class Side:
    """One end of one stream."""

    def __init__(self, end, given):
        self.end = end
        self.given = given
        self.sequence = None
        self.hello = None
        self.chain = None


class Exchange:
    """A key agreement on one stream, from the first Commit to the end of the keys."""

    def __init__(self, stream):
        self.stream = stream
        self.commits = {}      # end: Commit
        self.initiator = self.responder = None
        self.dhparts = {}
        self.confirms = {}
        self.plain = {}        # the Confirms, decrypted
        self.keys = None
        self.session = None    # what only a first stream makes, §4.5.2
        self.s1 = {}           # which retained secret of an end went into s0
        self.used = {}         # end: which of aux, pbx went into s0, as far as it has them
        self.acked = False
        self.told = set()      # (end, what it told its owner)
        self.cleared = False   # by a GoClear, on whatever stream
        self.goclear = None    # the one on this stream, and who sent it
        self.clearack = False
        self.to_relay = None   # what the PBX was told
        self.relays = []       # SASrelay messages
        self.relayed = []      # what the phone was told
        self.relay_acked = False

    def role(self, name):
        return 'i' if name == self.initiator else 'r'


# §5.1.2-§5.1.6
MANDATORY = {'hash': ['S256'], 'cipher': ['AES1'], 'auth-tag': ['HS32', 'HS80'], 'key-agreement': ['DH3k'],
             'sas': ['B32 ']}

# §4.1.2, from fastest to slowest, with the curves of RFC 7748 where they belong by their speed.
FASTEST_FIRST = ['DH2k', 'X255', 'E255', 'EC25', 'X448', 'DH3k', 'EC38', 'EC52']


def offered(side, kind):
    """The list with the mandatory types added to its end (§5.2)."""
    listed = side.hello.lists[kind]
    return listed + [name for name in MANDATORY[kind] if name not in listed]


def mode_of(commit):
    agreement = commit.choice['key-agreement']
    return agreement if agreement in ('Mult', 'Prsh') else 'DH'


# --- The replay ----------------------------------------------------------------------------------


def parse_line(line):
    """(what it is, its fields)"""
    require(isinstance(line, dict) and line.get('line') in SCHEMA, f'a line that is unknown: {line}')
    kind = line['line']
    return kind, conform({name: value for name, value in line.items() if name != 'line'}, SCHEMA[kind], kind)


class Replay:
    def __init__(self, lines, known=None):
        """`known`: {id(line): parse_line(line)}, to save time."""
        self.lines = lines
        self.known = known or {}
        self.ends = {}
        self.streams = {}    # number: {end: Side}
        self.exchanges = {}  # number of the stream: Exchange
        self.finished = []   # exchanges whose keys are gone
        self.resumed_by = None
        self.at = 0
        self.done = False

    def run(self):
        parsed = []
        for line in self.lines:
            parsed.append(self.known.get(id(line)) or parse_line(line))
        for kind, line in parsed:
            if kind == 'end':
                require(line.end not in self.ends, f'{line.end} twice')
                self.ends[line.end] = End(line)
        require(len(self.ends) in (0, 2), f'{len(self.ends)} ends')
        for kind, line in parsed:
            if kind == 'draw':
                self.end(line.end).draws.append(line.octets)
        for self.at, (kind, line) in enumerate(parsed):
            require(not self.done, 'something after the end')
            getattr(self, 'on_' + kind.replace('-', '_'))(line)
        require(self.done, 'no end')
        return self

    # What a line may name.

    def end(self, name):
        require(name in self.ends, f'nobody is called {name}')
        return self.ends[name]

    def peer(self, name):
        return next(end for end in self.ends.values() if end.name != name)

    def side(self, line):
        require(line.stream in self.streams and line.end in self.streams[line.stream],
                f'no stream {line.stream} of {line.end}')
        return self.streams[line.stream][line.end]

    def exchange(self, line):
        """The one whose keys the line speaks of."""
        self.side(line)
        exchange = self.exchanges.get(line.stream)
        require(exchange and exchange.keys, f'{line.end} has no keys for stream {line.stream} yet')
        return exchange

    # Lines that say what was given.

    def on_scenario(self, line):
        require(self.at == 0, 'a scenario in a scenario')

    def on_end(self, line):
        same(len(line.zid), 12, 'the length of a ZID')
        same(len(line.sdes), 2, 'the number of SDES keys')

    def on_stream(self, line):
        end = self.end(line.end)
        require(line.stream not in end.sides, f'stream {line.stream} of {end.name} twice')
        same(len(line.client_id), 16, 'the length of a client identifier')
        require(line.mitm or not line.enroll, f'{end.name} enrolls and is no PBX')
        side = Side(end, line)
        end.sides[line.stream] = side
        self.streams.setdefault(line.stream, {})[end.name] = side

    def on_draw(self, line):
        require(line.octets, 'a draw of nothing')

    # --- Packets ---------------------------------------------------------------------------------

    def on_packet(self, line):
        side = self.side(line)
        sequence, ssrc, octets = wire.parse_packet(line.octets)
        if side.sequence is not None:  # "a count that is incremented for each ZRTP packet sent", §5
            same(sequence, side.sequence + 1 & 0xffff, f'a sequence number of {line.end}')
        side.sequence = sequence
        same(ssrc, side.given.ssrc, f'the SSRC of {line.end}')
        message = wire.parse_message(octets)
        getattr(self, 'on_' + message.type.lower())(line.stream, side, message)

    def opposite(self, number_of_stream, side):
        return self.streams[number_of_stream][self.peer(side.end.name).name]

    def on_hello(self, stream, side, message):
        if side.hello:
            same(message.octets, side.hello.octets, f'a Hello of {side.end.name} sent again')
            return
        given = side.given
        side.hello = message
        side.chain = side.end.claim_h0(message.h3)
        same(message.version, b'1.10', 'the version')
        same(message.client_id, given.client_id, 'the client identifier')
        same(message.zid, side.end.zid, 'the ZID of a Hello')
        # §5.1.5: the modes without DH stand among the key agreements.
        modes = ['Prsh', 'Mult'] if given.allow_preshared else ['Mult']
        lists = dict(given.lists, **{'key-agreement': given.lists['key-agreement'] + modes})
        same(message.lists, lists, 'what a Hello offers')
        same((message.signature, message.mitm, message.passive), (False, given.mitm, False), 'S, M and P of a Hello')
        self.check_message_mac(side, message, 2)
        same(given.hello_hash, IMPLICIT.digest(message.octets), 'the Hello hash')  # §8.1

    @staticmethod
    def check_message_mac(side, message, key):
        """The 64-bit MAC at the end of a message; its key is one of the sender's hash chain (§8.1.1)."""
        same(message.mac, IMPLICIT.mac64(side.chain[key], message.octets[:-8]),
             f'the MAC of a {message.type} of {side.end.name}')

    def on_helloack(self, stream, side, message):
        require(self.opposite(stream, side).hello, 'a HelloACK before the Hello')

    def on_error(self, stream, side, message):
        raise Disagreement(f'{side.end.name} sent an Error of {message.code:#x}')

    def on_errorack(self, stream, side, message):
        raise Disagreement(f'{side.end.name} sent an ErrorACK')

    def on_ping(self, stream, side, message):
        raise Disagreement(f'{side.end.name} sent a Ping')

    def on_pingack(self, stream, side, message):
        raise Disagreement(f'{side.end.name} sent a PingACK')

    # --- Commit ----------------------------------------------------------------------------------

    def on_commit(self, stream, side, message):
        name, peer = side.end.name, self.opposite(stream, side)
        require(side.hello and peer.hello, f'a Commit of {name} before both Hellos')
        exchange = self.exchanges.get(stream)
        if not exchange or exchange.cleared:
            if exchange:
                same(name, self.resumed_by, 'who goes back to secure')
                self.finished.append(exchange)
            exchange = self.exchanges[stream] = Exchange(stream)
        before = exchange.commits.get(name)
        if before and message.octets == before.octets:
            return
        # "All message retransmissions MUST be identical", §6. But DH may follow Preshared (§4.4.2.3), and Multistream
        # what was discarded in favour of another stream (§4.2).
        may_follow = {'Prsh': ('DH', 'Mult'), 'DH': ('Mult',), 'Mult': ()}
        require(not before or mode_of(message) in may_follow[mode_of(before)], f'another Commit of {name}')
        require(not exchange.keys, f'a Commit of {name} in an exchange that has keys')
        if self.finished and stream in self.cleared_streams():
            same(mode_of(message), 'Mult', f'the mode in which {name} goes back to secure')  # §4.7.2.1
        exchange.commits[name] = message
        same(message.h2, side.chain[2], f'H2 of {name}')
        same(message.zid, side.end.zid, f'the ZID in the Commit of {name}')
        self.check_choice(stream, side, message)
        self.check_message_mac(side, message, 1)
        if hasattr(message, 'nonce'):
            side.end.claim_octets(message.nonce, f'nonce of a {message.choice["key-agreement"]} Commit')
        if hasattr(message, 'key_id'):
            same(message.key_id, self.preshared_key_id(message, self.preshared_key(message, side.end)), 'the keyID')

    def check_choice(self, stream, side, commit):
        """What the Commit names is common to both Hellos (§4.1.2) and fits together (§5.1.5)."""
        peer, choice = self.opposite(stream, side), commit.choice
        agreement = choice['key-agreement']
        for kind in KINDS:
            require(choice[kind] in offered(side, kind) and choice[kind] in offered(peer, kind),
                    f'a Commit that names {choice[kind]}, which is not common')
        require(choice['hash'] in HASHES and choice['cipher'] in derive.AES_BITS, 'a Commit that names what is unknown')
        if agreement in ('Mult', 'Prsh'):
            return
        lists = [[name for name in offered(one, 'key-agreement')
                  if name in offered(other, 'key-agreement') and name in FASTEST_FIRST]
                 for one, other in ((side, peer), (peer, side))]
        same(agreement, min(lists[0][0], lists[1][0], key=FASTEST_FIRST.index), 'the key agreement')
        if agreement == 'EC38':
            require(choice['hash'] in ('S384', 'N384'), f'EC38 with {choice["hash"]}')

    # --- DHPart1, DHPart2 ------------------------------------------------------------------------

    def settle_roles(self, stream, responder):
        """Who sends DHPart1, or Confirm1 without one, is the responder, and its own Commit must have lost (§4.2)."""
        exchange = self.exchanges.get(stream)
        initiator = self.peer(responder).name
        require(exchange and initiator in exchange.commits, f'{responder} answers a Commit that was not sent')
        same(exchange.responder, None, 'the responder so far')
        exchange.initiator, exchange.responder = initiator, responder
        exchange.commit = exchange.commits[initiator]
        for other in self.lost_commits(stream, exchange):
            self.check_contention(stream, exchange, other.commits[responder])
        return exchange

    def lost_commits(self, stream, exchange):
        """The exchanges in which the responder's own Commit is discarded: this one; in DH and Preshared mode, of which
        there may be only one at a time, others too (§4.2: "received in different media streams")."""
        mode = mode_of(exchange.commit)
        for number, other in self.exchanges.items():
            lost = other.commits.get(exchange.responder)
            if lost and (number == stream or mode != 'Mult' and mode_of(lost) != 'Mult' and not other.responder):
                yield other

    def check_contention(self, stream, exchange, lost):
        won = exchange.commit
        modes = mode_of(won), mode_of(lost)
        if modes == ('DH', 'Prsh'):
            return
        same(modes[0], modes[1], 'the mode of the Commit that won')
        if modes == ('Prsh', 'Prsh'):
            mitm = [self.streams[stream][name].hello.mitm for name in (exchange.initiator, exchange.responder)]
            if mitm[0] != mitm[1]:
                same(mitm, [False, True], 'the M flags of initiator and responder')
                return
        values = [getattr(commit, 'hvi', None) or commit.nonce for commit in (won, lost)]
        require(values[0] > values[1], 'the Commit with the lower value won')

    def on_dhpart1(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        name = side.end.name
        if exchange and name in exchange.dhparts:
            same(message.octets, exchange.dhparts[name].octets, f'a DHPart1 of {name} sent again')
            return
        exchange = self.settle_roles(stream, name)
        self.check_dhpart(exchange, side, message, 'Responder')

    def on_dhpart2(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        name = side.end.name
        require(exchange and exchange.initiator == name, f'a DHPart2 of {name}, which is not the initiator')
        if name in exchange.dhparts:
            same(message.octets, exchange.dhparts[name].octets, f'a DHPart2 of {name} sent again')
            return
        self.check_dhpart(exchange, side, message, 'Initiator')
        hash_ = Hash(exchange.commit.choice['hash'])
        hello_r = self.streams[stream][exchange.responder].hello
        same(exchange.commit.hvi, hash_.digest(message.octets, hello_r.octets)[:32], 'hvi')  # §4.4.1.1
        self.derive_dh(stream, exchange)
        for other in self.lost_commits(stream, exchange):
            self.check_lost_commit(other, exchange.responder)

    def check_dhpart(self, exchange, side, message, sender):
        choice = exchange.commit.choice
        agreement = choice['key-agreement']
        same(len(message.pv), 4 * wire.PV_WORDS.get(agreement, 0), f'the length of a public value for {agreement}')
        same(message.h1, side.chain[1], f'H1 of {side.end.name}')
        self.check_message_mac(side, message, 0)
        secret, drawn = side.end.claim_secret_value(agreement, message.pv)
        if agreement in derive.PRIMES:  # "SHOULD be twice as long as the AES key length", §5.1.5
            require(8 * drawn >= 2 * derive.AES_BITS[choice['cipher']], f'a secret value of {drawn} octets')
        ids = self.secret_ids(exchange, side, sender)
        for name, sent in message.ids.items():
            if ids[name]:
                same(sent, ids[name], f'the ID of {name} of {side.end.name}')
            else:
                side.end.claim_octets(sent, f'random ID in place of {name} in {message.type}')
        exchange.dhparts[side.end.name] = message
        message.secret = secret

    def secret_ids(self, exchange, side, sender):
        """What `side` would send as `sender`, None where it has no secret (§4.3.1)."""
        hash_ = Hash(exchange.commits[self.initiator_if(side, sender)].choice['hash'])
        aux = self.auxsecret(side.end, hash_, sender)

        def identify(secret, *parts):
            return hash_.mac64(secret, *parts) if secret is not None else None

        return {'rs1': identify(side.end.retained('rs1'), LABELS[sender]),
                'rs2': identify(side.end.retained('rs2'), LABELS[sender]),
                'aux': identify(aux, side.chain[3]),
                'pbx': identify(side.end.retained('pbx'), LABELS[sender])}

    def initiator_if(self, side, sender):
        return side.end.name if sender == 'Initiator' else self.peer(side.end.name).name

    def auxsecret(self, end, hash_, sender):
        """What an end has in the role of `sender`: what it was given, or srtps (§8.2). The RFC has one SRTP key; of two
        it is srtps of the one that the initiator sends with, then srtps of the other."""
        if end.aux is not None:
            return end.aux
        sent_by = end.sdes if sender == 'Initiator' else end.sdes[::-1]
        zids = [end.zid, self.peer(end.name).zid]
        zids = b''.join(zids if sender == 'Initiator' else zids[::-1])
        parts = [hash_.kdf(sdes.key, LABELS['srtps'], zids + sdes.salt, 256) for sdes in sent_by if sdes]
        return b''.join(dict.fromkeys(parts)) if parts else None

    def check_lost_commit(self, exchange, loser):
        """The hvi of the Commit that lost, from the DHPart2 that was never sent."""
        lost = exchange.commits[loser]
        if not hasattr(lost, 'hvi'):
            return
        side = self.streams[exchange.stream][loser]
        hello_r = self.opposite(exchange.stream, side).hello
        hash_ = Hash(lost.choice['hash'])
        ids = self.secret_ids(exchange, side, 'Initiator')
        for index, draw in enumerate(side.end.draws):
            for pv in self.public_values(side.end, lost.choice['key-agreement']) if len(draw) == 32 else ():
                places = {name: 8 * place for place, name in enumerate(ids)}
                body = side.chain[1] + b''.join(ids[name] or draw[at:at + 8] for name, at in places.items()) + pv
                message = (0x505a0000 + (12 + len(body) + 8) // 4).to_bytes(4, 'big') + b'DHPart2 ' + body
                message += IMPLICIT.mac64(side.chain[0], message)
                if hash_.digest(message, hello_r.octets)[:32] == lost.hvi:
                    for name, at in places.items():
                        if not ids[name]:
                            side.end.claim(index, at, 8, f'random ID in place of {name} in a DHPart2 that was not sent')
                    return
        raise Disagreement(f'hvi in the Commit of {side.end.name} that lost is of no DHPart2')

    @staticmethod
    def public_values(end, agreement):
        for draw in end.draws:
            secret = derive.secret_value(agreement, draw)
            if secret is not None:
                yield derive.public_value(agreement, secret)

    # --- Keys ------------------------------------------------------------------------------------

    def match(self, own, peer_ids, label, hash_, initiator):
        """s1 as one end finds it (§4.3): the initiator's rs1 or else its rs2, whichever the responder has."""
        ids = {name: hash_.mac64(secret, label) for name, secret in own.items() if secret is not None}
        for wanted in ('rs1', 'rs2'):
            if initiator:
                if wanted in ids and ids[wanted] in peer_ids:
                    return own[wanted]
            else:
                for name in ids:
                    if ids[name] == peer_ids[('rs1', 'rs2').index(wanted)]:
                        return own[name]
        return None

    def shared_secrets(self, stream, exchange, hash_):
        """s1, s2, s3 as both ends find them, which must be the same (§4.3)."""
        found = []
        for name, peer in ((exchange.initiator, exchange.responder), (exchange.responder, exchange.initiator)):
            end, received = self.ends[name], exchange.dhparts[peer].ids
            initiator = name == exchange.initiator
            label = LABELS['Responder' if initiator else 'Initiator']  # what the peer computes its own with
            own = {'rs1': end.retained('rs1'), 'rs2': end.retained('rs2')}
            s1 = self.match(own, [received['rs1'], received['rs2']], label, hash_, initiator)
            aux = self.auxsecret(end, hash_, 'Initiator' if initiator else 'Responder')
            h3 = self.streams[stream][peer].chain[3]
            s2 = aux if aux is not None and hash_.mac64(aux, h3) == received['aux'] else None
            pbx = end.retained('pbx')
            s3 = pbx if pbx is not None and hash_.mac64(pbx, label) == received['pbx'] else None
            found.append((s1, s2, s3))
        same(found[0], found[1], 's1, s2, s3 of the initiator')
        return found[0]

    @staticmethod
    def retained_name(end, s1):
        """Which of its secrets an end has found to be s1."""
        return next((name for name in ('rs1', 'rs2') if s1 is not None and end.retained(name) == s1), None)

    @staticmethod
    def is_verified(exchange, end):
        """The flag of the secret that went into s0 (§7.1)."""
        flag = {'rs1': 'verified', 'rs2': 'rs2_verified', None: None}[exchange.s1[end.name]]
        return bool(flag and getattr(end.record, flag))

    def derive_dh(self, stream, exchange):
        """§4.4.1.4"""
        part_i, part_r = exchange.dhparts[exchange.initiator], exchange.dhparts[exchange.responder]
        hash_ = Hash(exchange.commit.choice['hash'])
        agreement = exchange.commit.choice['key-agreement']
        result = derive.dh_result(agreement, part_i.secret, part_r.pv)
        same(derive.dh_result(agreement, part_r.secret, part_i.pv), result, 'DHResult')
        s1, s2, s3 = self.shared_secrets(stream, exchange, hash_)
        total_hash = hash_.digest(self.streams[stream][exchange.responder].hello.octets, exchange.commit.octets,
                                  part_r.octets, part_i.octets)
        zids = self.ends[exchange.initiator].zid + self.ends[exchange.responder].zid
        s0 = hash_.digest(number(1), result, LABELS['s0'], zids, total_hash, counted(s1), counted(s2), counted(s3))
        exchange.s1 = {name: self.retained_name(end, s1) for name, end in self.ends.items()}
        exchange.used = dict.fromkeys(self.ends, {'aux': s2 is not None, 'pbx': s3 is not None})
        self.derive_session(exchange, hash_, s0, zids, total_hash)
        self.derive_rest(exchange, hash_, s0, zids + total_hash)

    def preshared_key(self, commit, end, aux=True, pbx=True):
        """§4.4.2.2"""
        hash_ = Hash(commit.choice['hash'])
        require(end.retained('rs1') is not None, f'{end.name} goes Preshared without rs1')
        sender = 'Initiator' if commit.zid == end.zid else 'Responder'
        auxsecret = self.auxsecret(end, hash_, sender) if aux else None
        return hash_.digest(counted(end.retained('rs1')), counted(auxsecret),
                            counted(end.retained('pbx') if pbx else None))

    @staticmethod
    def preshared_key_id(commit, key):
        return Hash(commit.choice['hash']).mac64(key, LABELS['keyID'])

    def derive_preshared(self, stream, exchange):
        """§4.4.2.4; the responder finds the key by leaving out auxsecret, pbxsecret or both (§4.4.2.3)."""
        commit = exchange.commit
        hash_ = Hash(commit.choice['hash'])
        initiator, responder = self.ends[exchange.initiator], self.ends[exchange.responder]
        for side in self.streams[stream].values():
            require(side.given.allow_preshared, f'{side.end.name} goes Preshared, which it does not allow')
        key = self.preshared_key(commit, initiator)
        used = {'aux': self.auxsecret(initiator, hash_, 'Initiator') is not None,
                'pbx': initiator.retained('pbx') is not None}
        same(self.preshared_key(commit, responder, **used), key, 'the preshared_key of the responder')
        exchange.used = dict.fromkeys(self.ends, used)
        total_hash = hash_.digest(self.streams[stream][exchange.responder].hello.octets, commit.octets)
        zids = self.ends[exchange.initiator].zid + responder.zid
        s0 = hash_.kdf(key, LABELS['s0 Preshared'], zids + total_hash, hash_.bits)
        exchange.s1 = dict.fromkeys(self.ends, 'rs1')
        self.derive_session(exchange, hash_, s0, zids, total_hash)
        self.derive_rest(exchange, hash_, s0, zids + total_hash)

    def derive_multistream(self, stream, exchange):
        """§4.4.3.2"""
        commit = exchange.commit
        hash_ = Hash(commit.choice['hash'])
        sessions = [self.ends[name].session for name in (exchange.initiator, exchange.responder)]
        require(all(sessions), 'Multistream without a session key')
        same(sessions[1].zrtpsess, sessions[0].zrtpsess, 'ZRTPSess')
        if any(other.keys and not other.cleared for other in self.exchanges.values()):  # §4.4.3.1
            for kind in ('hash', 'cipher', 'auth-tag'):
                same(commit.choice[kind], sessions[0].choice[kind], f'{kind} of a further stream')
        total_hash = hash_.digest(self.streams[stream][exchange.responder].hello.octets, commit.octets)
        context = self.ends[exchange.initiator].zid + self.ends[exchange.responder].zid + total_hash
        s0 = hash_.kdf(sessions[0].zrtpsess, LABELS['s0 Multistream'], context, hash_.bits)
        self.derive_rest(exchange, hash_, s0, context)

    def derive_session(self, exchange, hash_, s0, zids, total_hash):
        """§4.5.2, and rs1 (§4.6.1)"""
        context = zids + total_hash
        exchange.session = SimpleNamespace(
            hash=hash_, choice=exchange.commit.choice, context=context, zids=zids,
            zrtpsess=hash_.kdf(s0, LABELS['ZRTPSess'], context, hash_.bits),
            sashash=hash_.kdf(s0, LABELS['sashash'], context, 256),
            exported=hash_.kdf(s0, LABELS['ExportedKey'], context, hash_.bits),
            rs1=hash_.kdf(s0, LABELS['rs1'], context, 256), v_flag={})

    @staticmethod
    def derive_rest(exchange, hash_, s0, context):
        """§4.5.3"""
        key_bits = derive.AES_BITS[exchange.commit.choice['cipher']]
        # "112" in the RFC; GCM, which is not in it, has salts of 96 bits (RFC 7714).
        salt_bits = 96 if exchange.commit.choice['auth-tag'] == 'GCM ' else 112
        sizes = {'srtpkey': key_bits, 'srtpsalt': salt_bits, 'mackey': hash_.bits, 'zrtpkey': key_bits}
        exchange.hash = hash_
        exchange.keys = {name + role: hash_.kdf(s0, LABELS[name + role], context, bits)
                         for name, bits in sizes.items() for role in 'ir'}

    # --- Confirm1, Confirm2, Conf2ACK ------------------------------------------------------------

    def on_confirm1(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        if exchange and not exchange.keys and not exchange.dhparts:
            exchange = self.settle_roles(stream, side.end.name)
            mode = mode_of(exchange.commit)
            require(mode != 'DH', 'a Confirm1 before DHPart1')
            (self.derive_multistream if mode == 'Mult' else self.derive_preshared)(stream, exchange)
        require(exchange and exchange.keys and exchange.responder == side.end.name, 'a Confirm1 out of nowhere')
        self.check_confirm(exchange, side, message)

    def on_confirm2(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        require(exchange and exchange.keys and exchange.initiator == side.end.name, 'a Confirm2 out of nowhere')
        require(exchange.responder in exchange.confirms, 'a Confirm2 before Confirm1')
        self.check_confirm(exchange, side, message)

    @staticmethod
    def decrypt(exchange, side, message):
        """A Confirm (§4.6, §5.7) or a SASrelay (§5.13)."""
        role = exchange.role(side.end.name)
        same(message.mac, exchange.hash.mac64(exchange.keys['mackey' + role], message.encrypted),
             f'the MAC of a {message.type} of {side.end.name}')
        side.end.claim_octets(message.iv, f'IV of a {message.type}')
        return derive.cfb(exchange.keys['zrtpkey' + role], message.iv, message.encrypted, decrypt=True)

    def check_confirm(self, exchange, side, message):
        name, given = side.end.name, side.given
        if name in exchange.confirms:
            same(message.octets, exchange.confirms[name].octets, f'a {message.type} of {name} sent again')
            return
        plain = wire.parse_confirm(self.decrypt(exchange, side, message))
        exchange.confirms[name], exchange.plain[name] = message, plain
        same(len(message.octets), 4 * 19, f'the length of a {message.type}')
        same(plain.h0, side.chain[0], f'H0 of {name}')
        enrolls = given.mitm and given.enroll
        if exchange.session:
            # §7.1, §4.9.1; a flag that was set for a secret which the peer does not have is not sent.
            exchange.session.v_flag[name] = bool(given.expiry and self.is_verified(exchange, side.end))
            same(plain.expiry, given.expiry, f'the expiry that {name} sends')
        else:
            same(plain.expiry, 0xffffffff, f'the expiry that {name} sends in Multistream mode')  # §4.9
        # "from the previous session", also on the next streams
        v_flag = (exchange.session or side.end.session).v_flag[name]
        same(plain.verified, v_flag, f'the V flag of {name}')
        same(plain.enrollment, bool(enrolls and exchange.session), f'the E flag of {name}')  # §7.3.1
        same(plain.allow_clear, given.allow_clear and not enrolls, f'the A flag of {name}')  # "(E) implies not (A)"
        same(plain.disclosure, given.disclosure, f'the D flag of {name}')

    def on_conf2ack(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        require(exchange and exchange.responder == side.end.name and exchange.initiator in exchange.confirms,
                'a Conf2ACK before Confirm2')
        exchange.acked = True

    # --- What the ends tell ----------------------------------------------------------------------

    def tells(self, exchange, line, what):
        require((line.end, what) not in exchange.told, f'{line.end} tells {what} twice')
        exchange.told.add((line.end, what))

    def check_key(self, line, role_of, what):
        exchange = self.exchange(line)
        self.tells(exchange, line, what)
        role = exchange.role(role_of)
        same(line.cipher, exchange.commit.choice['cipher'], f'the cipher of {line.end}')
        same(line.auth_tag, exchange.commit.choice['auth-tag'], f'the auth tag of {line.end}')
        same(line.octets, exchange.keys['srtpkey' + role] + exchange.keys['srtpsalt' + role],
             f'the {what} of {line.end}')
        return exchange

    def on_receive_key(self, line):
        exchange = self.check_key(line, self.peer(line.end).name, 'receive key')
        require(self.peer(line.end).name in exchange.confirms, f'a receive key of {line.end} before the Confirm')

    def on_send_key(self, line):
        exchange = self.check_key(line, line.end, 'send key')
        self.check_confirmed(exchange, line)

    def check_confirmed(self, exchange, line):
        """The responder has Confirm2, the initiator Conf2ACK (§4.6, §4.6.1)."""
        confirmed = exchange.acked if line.end == exchange.initiator else exchange.initiator in exchange.confirms
        require(confirmed, f'{line.end} goes ahead before the exchange is confirmed')

    def on_store(self, line):
        end, exchange = self.end(line.end), self.exchange(line)
        self.check_confirmed(exchange, line)
        if end.owed is None:
            self.tells(exchange, line, 'store')
            wanted = None if self.mismatch(exchange, end) else self.renewed(exchange, line)
        else:
            wanted, end.owed = end.owed, None
        require(wanted is not None, f'{end.name} stores something')
        before = end.cached or dict(vars(end.record) if end.record else NO_RECORD)
        same(vars(line.before), before, f'what {end.name} had stored')
        same(vars(line.after), wanted, f'what {end.name} stores')
        same(line.erase, end.denied, f'that a secret of {end.name} is to go')
        same(line.matched, self.continued(exchange, end, wanted), f's1 of {end.name}')
        same(line.choice, exchange.commit.choice, f'the algorithms that {end.name} stores')
        end.cached = wanted

    @staticmethod
    def continued(exchange, end, wanted):
        """s1, when the secret of this call is stored for the first time."""
        s1 = exchange.s1[end.name]
        is_new = wanted['rs1'] == exchange.session.rs1 and (not end.cached or end.cached['rs1'] != wanted['rs1'])
        return end.retained(s1) if s1 and is_new else None

    @staticmethod
    def mismatch(exchange, end):
        """§4.3.2; a secret that had expired may be gone without notice (§4.9).

        rs2 is not what is expected where only rs1 was verified.
        """
        if not exchange.session:
            return False
        s1 = exchange.s1[end.name]
        return bool(end.retained('rs1') is not None and end.record.expiry > 0
                    and (not s1 or s1 == 'rs2' and end.record.verified and not end.record.rs2_verified))

    def renewed(self, exchange, line):
        """The record after the exchange, None when there is nothing to be stored (§4.6.1, §4.9)."""
        end, given = self.end(line.end), self.side(line).given
        if not exchange.session or end.session and end.session.sashash != exchange.session.sashash:
            return None
        expiry = min(plain.expiry for plain in exchange.plain.values())
        record = dict(vars(end.record) if end.record else NO_RECORD, expiry=expiry)
        if given.mitm and given.enroll:
            record['pbx'] = self.pbxsecret(exchange.session)
        if expiry > 0:
            preshared = mode_of(exchange.commit) == 'Prsh'
            s1 = exchange.s1[end.name]
            # The secret that both have is kept. One that is not common, and expired or not verified, may be another's.
            if not preshared and s1 != 'rs2':
                kept = s1 == 'rs1' or end.record is not None and end.record.expiry > 0 and end.record.verified
                record['rs2'] = record['rs1'] if kept else None
                record['rs2_verified'] = bool(record['rs2'] and record['verified'])
            record['rs1'] = exchange.session.rs1
            record['verified'] = self.is_verified(exchange, end)
            record['preshared_calls'] = record['preshared_calls'] + 1 if preshared else 0
        worth = any(record[name] is not None for name in ('rs1', 'rs2', 'pbx'))
        return record if worth and exchange.plain[end.name].expiry > 0 else None

    @staticmethod
    def pbxsecret(session):
        """§7.3.1"""
        return session.hash.kdf(session.zrtpsess, LABELS['pbxsecret'], session.zids, 256)

    def on_secure(self, line):
        end, exchange = self.end(line.end), self.exchange(line)
        self.tells(exchange, line, 'secure')
        self.check_confirmed(exchange, line)
        if exchange.session and not end.session:
            self.begin_session(end, exchange, line)
        choice = exchange.commit.choice
        modes = {'DH': 'dh', 'Prsh': 'preshared', 'Mult': 'multistream'}
        same(line.mode, modes[mode_of(exchange.commit)], f'the mode of {end.name}')
        same(line.role, {'i': 'initiator', 'r': 'responder'}[exchange.role(end.name)], f'the role of {end.name}')
        same(line.choice, choice, f'what {end.name} says was chosen')
        same(line.sas, derive.sas(end.session.choice['sas'], end.session.sashash), f'the SAS of {end.name}')
        same(line.verified, end.verified, f'that the SAS is verified for {end.name}')
        same(line.mismatch, self.mismatch(exchange, end), f'that there is a mismatch for {end.name}')
        sender = 'Initiator' if end.name == exchange.initiator else 'Responder'
        has_aux = exchange.session and self.auxsecret(end, exchange.hash, sender) is not None
        used = exchange.used.get(end.name, {'aux': False, 'pbx': False})
        same(line.aux_mismatch, bool(has_aux and not used['aux']), f'that auxsecret is not the same for {end.name}')
        same(line.enrolled, end.enrolled, f'that {end.name} is enrolled')
        self.check_peer(exchange, line)

    def begin_session(self, end, exchange, line):
        """§4.5.2, §4.6.1: what the first stream makes."""
        end.session = SimpleNamespace(**vars(exchange.session))
        peer_verified = exchange.plain[self.peer(end.name).name].verified
        end.verified = self.is_verified(exchange, end) and peer_verified  # §7.1
        end.enrolled = exchange.used.get(end.name, {'pbx': False})['pbx']  # in all streams of the call, §7.3
        end.pending = self.renewed(exchange, line)
        end.previous = dict(vars(end.record) if end.record else NO_RECORD)
        end.delayed = self.mismatch(exchange, end)
        to_store = end.pending is not None and not end.delayed
        same((end.name, 'store') in exchange.told, to_store, f'that {end.name} has stored')

    def check_peer(self, exchange, line):
        """What an end says of the other."""
        peer = self.peer(line.end)
        hello = self.streams[line.stream][peer.name].hello
        same(line.peer_allows_clear, exchange.plain[peer.name].allow_clear, 'the A flag')
        same(line.peer_disclosure, exchange.plain[peer.name].disclosure, 'the D flag')
        same(line.peer_mitm, hello.mitm, 'the M flag')
        same(line.peer_zid, peer.zid, 'the ZID of the peer')
        same(line.peer_client_id, hello.client_id, 'the client identifier of the peer')

    # --- What the users say ----------------------------------------------------------------------

    def on_sas_verified(self, line):
        end, exchange = self.end(line.end), self.exchange(line)
        require((end.name, 'secure') in exchange.told and exchange.session, 'a SAS is verified that there is not')
        end.verified = line.matches
        if exchange.plain[end.name].expiry == 0:
            return
        if not line.matches:
            # "clearing the SAS Verified flag, and erase the cached shared secret from this session", §7.1
            end.previous['verified'] = end.previous['rs2_verified'] = False
            end.denied = True
            end.pending = dict(end.previous)
            end.owed = dict(end.previous)
        elif end.pending and end.pending['expiry'] > 0:  # §4.6.1.1, §7.1
            end.pending['verified'] = True
            end.delayed = False
            end.owed = dict(end.pending)

    def on_enrollment(self, line):
        exchange = self.exchange(line)
        self.tells(exchange, line, 'enrollment')
        require(exchange.plain[self.peer(line.end).name].enrollment, f'{line.end} is asked to enroll by nobody')

    def on_accept_enrollment(self, line):
        end, exchange = self.end(line.end), self.exchange(line)
        require((end.name, 'enrollment') in exchange.told, f'{end.name} was not asked to enroll')
        require(end.pending and end.session, f'{end.name} has nothing to keep pbxsecret in')
        end.pending['pbx'] = self.pbxsecret(end.session)
        if not end.delayed:  # else it waits with the rest, §4.6.1.1
            end.owed = dict(end.pending)

    # --- SASrelay --------------------------------------------------------------------------------

    def on_relay_sas(self, line):
        self.exchange(line).to_relay = line

    def on_sasrelay(self, stream, side, message):
        exchange, name = self.exchanges.get(stream), side.end.name
        require(exchange and exchange.acked and exchange.to_relay, f'a SASrelay of {name} out of nowhere')
        if any(message.octets == relay.octets for relay in exchange.relays):
            return
        given = exchange.to_relay
        same(given.end, name, 'who was told to relay a SAS')
        require(side.hello.mitm, f'a SASrelay of {name}, which has not set the M flag')
        require(given.sashash is None or exchange.used[name]['pbx'], f'{name} relays a SAS to one who is not enrolled')
        exchange.relays.append(message)
        plain = wire.parse_relay(self.decrypt(exchange, side, message))
        same(len(message.octets), 4 * 19, 'the length of a SASrelay')
        same(plain.scheme, given.sas_type, 'the rendering scheme of a relayed SAS')
        same(plain.sashash, given.sashash or bytes(32), 'a relayed sashash')
        same((plain.verified, plain.allow_clear, plain.disclosure), (given.verified, False, given.disclosure),
             'V, A and D of a SASrelay')

    def on_relayack(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        require(exchange and exchange.relays and exchange.to_relay.end != side.end.name, 'a RelayACK for nothing')
        exchange.relay_acked = True

    def on_relayed_sas(self, line):
        exchange = self.exchange(line)
        given = exchange.to_relay
        require(given and given.end != line.end, f'nobody relays a SAS to {line.end}')
        exchange.relayed.append(given)
        same(line.sas, derive.sas(given.sas_type, given.sashash or self.end(line.end).session.sashash), 'a relayed SAS')
        same(line.sas_type, given.sas_type, 'the type of a relayed SAS')
        same(line.relayed, given.sashash is not None, 'that a SAS is relayed')
        same((line.verified, line.disclosure), (given.verified, given.disclosure), 'V and D of a relayed SAS')

    # --- Clear mode ------------------------------------------------------------------------------

    def cleared_streams(self):
        return {exchange.stream for exchange in self.finished}

    def on_go_clear(self, line):
        self.end(line.end).wants_clear = True

    def on_accept_clear(self, line):
        self.end(line.end).accepts_clear = True

    def on_go_secure(self, line):
        for exchange in self.exchanges.values():
            require(exchange.cleared, 'back to secure without having gone clear')
        self.resumed_by = self.end(line.end).name
        for end in self.ends.values():
            end.wants_clear = end.accepts_clear = False

    def on_goclear(self, stream, side, message):
        """§4.7.2: what happens to ZRTPSess is below, at the first ClearACK."""
        exchange, name = self.exchanges.get(stream), side.end.name
        require(exchange and exchange.acked, f'a GoClear of {name} without keys')
        same(message.clear_mac, exchange.hash.mac64(exchange.keys['mackey' + exchange.role(name)], LABELS['clear_mac']),
             f'the clear_mac of {name}')
        if exchange.goclear:
            same(name, exchange.goclear, 'who sends GoClear again')
            return
        require(side.end.wants_clear, f'{name} was not told to go clear')
        for plain in exchange.plain.values():
            require(plain.allow_clear, 'a GoClear where the A flag is not set')
        exchange.goclear = name
        for other in self.exchanges.values():
            other.cleared = True

    def on_clearack(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        require(exchange and exchange.goclear not in (None, side.end.name), 'a ClearACK for nothing')
        if exchange.clearack:
            return
        exchange.clearack = True
        for end in self.ends.values():  # §4.7.2.1
            session = end.session
            require(session, f'{end.name} has no session')
            session.zrtpsess = session.hash.kdf(session.zrtpsess, LABELS['ZRTPSess after GoClear'], session.zids,
                                                session.hash.bits)

    def on_drop_keys(self, line):
        exchange = self.exchange(line)
        self.tells(exchange, line, 'drop keys')
        require(exchange.cleared or self.end(line.end).wants_clear, f'{line.end} drops keys for nothing')

    def on_clear(self, line):
        exchange, end = self.exchange(line), self.end(line.end)
        require(exchange.cleared, f'{end.name} is clear without a GoClear')
        by_peer = not end.wants_clear
        same(line.by_peer, by_peer, f'that the peer of {end.name} wanted to go clear')
        same(line.waiting, by_peer and not end.accepts_clear, f'that {end.name} waits')
        self.tells(exchange, line, 'waiting' if line.waiting else 'clear')

    # --- What is asked of a call -----------------------------------------------------------------

    def on_sashash(self, line):
        session = self.session(line, 'sashash')
        same(line.octets, session.sashash, f'sashash of {line.end}')

    def on_exported_key(self, line):
        session = self.session(line, f'exported key {line.label}')
        key = session.hash.kdf(session.exported, line.label.encode(), session.context, 8 * len(line.octets))
        same(line.octets, key, f'the exported key of {line.end}')

    def session(self, line, what):
        end = self.end(line.end)
        require(end.session, f'{end.name} has no session')
        require(what not in end.told, f'{end.name} tells {what} twice')
        end.told.add(what)
        return end.session

    def on_rendering(self, line):
        same(line.sas, derive.sas(line.sas_type, line.sashash), f'the SAS for {line.sashash.hex()}')

    def on_done(self, line):
        same(line.lines, len(self.lines), 'the number of lines')
        same(self.at, len(self.lines) - 1, 'the place of the last line')
        for stream in self.streams:
            require(stream in self.exchanges, f'nothing was agreed on for stream {stream}')
        for exchange in list(self.exchanges.values()) + self.finished:
            self.check_complete(exchange)
        for end in self.ends.values():
            same(end.owed, None, f'what {end.name} has still to store')
            require('sashash' in end.told, f'{end.name} has not told: sashash')
            require(any(what.startswith('exported key') for what in end.told), f'{end.name} has exported no key')
        self.done = True

    def check_complete(self, exchange):
        """Nothing that should have been told is missing."""
        require(exchange.acked, 'an exchange that has no end')
        expected = ['receive key', 'send key', 'secure']
        if exchange.cleared:
            require(any(other.clearack for other in [*self.exchanges.values(), *self.finished]), 'no ClearACK')
            expected += ['drop keys']
        for end in self.ends.values():
            for what in expected:
                require((end.name, what) in exchange.told, f'{end.name} has not told: {what}')
            if exchange.cleared:
                require((end.name, 'clear') in exchange.told or (end.name, 'waiting') in exchange.told,
                        f'{end.name} has not told that it is clear')
        if exchange.to_relay:
            require(exchange.relays and exchange.relayed and exchange.relay_acked, 'a SAS that was not relayed')


# --- For the tests -------------------------------------------------------------------------------

def read(path):
    """{name of a scenario: its lines}, from a program that prints them, or a file with what it printed."""
    if os.access(path, os.X_OK):
        text = subprocess.run([path], stdout=subprocess.PIPE, check=True, text=True).stdout
    else:
        with open(path) as file:
            text = file.read()
    scenarios = {}
    for line in map(json.loads, text.splitlines()):
        if line['line'] == 'scenario':
            same(line['name'] in scenarios, False, f'that there are two scenarios {line["name"]}')
            lines = scenarios[line['name']] = []
        lines.append(line)
    return scenarios


def agrees(lines, known=None):
    try:
        Replay(lines, known).run()
    except Disagreement:
        return False
    return True
