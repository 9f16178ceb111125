"""Follows the transcript of a call and computes it all anew, by RFC 6189, from what the ends drew and were given.

`Replay(lines).run()` raises wire.Disagreement at the first thing that is not as it should be. The format of the lines
is SCHEMA below.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

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


RECORD = {'rs1': Maybe(Octets), 'rs2': Maybe(Octets), 'verified': bool, 'expiry': int}
CHOICE = {kind: str for kind in KINDS}

# Each line is a JSON object; `line` says which of these it is. The order is that of time.
SCHEMA = {
    'scenario': {'name': str},
    # What an end was given for the call.
    'end': {'end': str, 'zid': Octets, 'record': Maybe(RECORD)},
    # What it was given for a stream, and its a=zrtp-hash.
    'stream': {'stream': int, 'end': str, 'ssrc': int, 'client_id': Octets, 'lists': {kind: [str] for kind in KINDS},
               'expiry': int, 'hello_hash': Octets},
    # Random octets that an end drew.
    'draw': {'end': str, 'octets': Octets},
    # On the wire; whether it arrived does not matter here.
    'packet': {'stream': int, 'end': str, 'octets': Octets},
    # What the ends tell their owners.
    'receive-key': {'stream': int, 'end': str, 'cipher': str, 'auth_tag': str, 'octets': Octets},
    'send-key': {'stream': int, 'end': str, 'cipher': str, 'auth_tag': str, 'octets': Octets},
    'store': {'stream': int, 'end': str, 'record': RECORD},
    'secure': {'stream': int, 'end': str, 'sas': str, 'role': str, 'choice': CHOICE, 'verified': bool, 'mismatch': bool,
               'peer_disclosure': bool, 'peer_mitm': bool, 'peer_zid': Octets, 'peer_client_id': Octets},
    # The user said whether the SAS was the same.
    'sas-verified': {'stream': int, 'end': str, 'matches': bool},
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
        self.cache = given.record
        self.aux = None
        self.draws = []
        self.claims = {}      # (index of the draw, offset, size): purpose
        self.session = None   # ZRTPSess, sashash, ExportedKey and what goes with them, §4.5.2
        self.owed = None      # a record that is to be stored because of what the user said
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
            if derive.chain(draw)[3] == h3:
                self.claim(index, 0, len(draw), f'H0 {h3.hex()}')
                return derive.chain(draw)
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

    def __init__(self):
        self.commits = {}      # end: Commit
        self.initiator = self.responder = None
        self.dhparts = {}
        self.confirms = {}
        self.plain = {}        # the Confirms, decrypted
        self.keys = None
        self.acked = False
        self.told = set()      # (end, what it told its owner)
        self.cleared = None

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


# --- The replay ----------------------------------------------------------------------------------


class Replay:
    def __init__(self, lines):
        self.lines = lines
        self.ends = {}
        self.streams = {}    # number: {end: Side}
        self.exchanges = {}  # number of the stream: Exchange
        self.finished = []   # exchanges whose keys are gone
        self.at = 0
        self.done = False

    def run(self):
        parsed = []
        for self.at, line in enumerate(self.lines):
            require(isinstance(line, dict) and line.get('line') in SCHEMA, f'line {self.at}: unknown')
            kind = line['line']
            fields = {name: value for name, value in line.items() if name != 'line'}
            parsed.append((kind, conform(fields, SCHEMA[kind], kind)))
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

    def on_stream(self, line):
        end = self.end(line.end)
        require(line.stream not in end.sides, f'stream {line.stream} of {end.name} twice')
        same(len(line.client_id), 16, 'the length of a client identifier')
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
        same(message.lists, given.lists, 'what a Hello offers')
        same((message.signature, message.mitm, message.passive), (False, self.given_flag(side, 'mitm'), False),
             'S, M and P of a Hello')
        self.check_message_mac(side, message, 2)
        same(given.hello_hash, IMPLICIT.digest(message.octets), 'the Hello hash')  # §8.1

    @staticmethod
    def given_flag(side, name):
        return getattr(side.given, name, False)

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
                self.finished.append(exchange)
            exchange = self.exchanges[stream] = Exchange()
        before = exchange.commits.get(name)
        if before and message.octets == before.octets:
            return
        # "All message retransmissions MUST be identical", §6; but DH may follow Preshared, §4.4.2.3.
        require(not before or hasattr(before, 'key_id') and hasattr(message, 'hvi'), f'another Commit of {name}')
        require(not exchange.keys, f'a Commit of {name} in an exchange that has keys')
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
            if choice[kind] not in ('Mult', 'Prsh'):
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
        if responder in exchange.commits:
            self.check_contention(stream, exchange)
        return exchange

    def check_contention(self, stream, exchange):
        won, lost = exchange.commit, exchange.commits[exchange.responder]

        def mode(commit):
            agreement = commit.choice['key-agreement']
            return agreement if agreement in ('Mult', 'Prsh') else 'DH'

        modes = mode(won), mode(lost)
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
        self.check_dhpart(stream, exchange, side, message, 'Responder')

    def on_dhpart2(self, stream, side, message):
        exchange = self.exchanges.get(stream)
        name = side.end.name
        require(exchange and exchange.initiator == name, f'a DHPart2 of {name}, which is not the initiator')
        if name in exchange.dhparts:
            same(message.octets, exchange.dhparts[name].octets, f'a DHPart2 of {name} sent again')
            return
        self.check_dhpart(stream, exchange, side, message, 'Initiator')
        hash_ = Hash(exchange.commit.choice['hash'])
        hello_r = self.streams[stream][exchange.responder].hello
        same(exchange.commit.hvi, hash_.digest(message.octets, hello_r.octets)[:32], 'hvi')  # §4.4.1.1
        self.derive_dh(stream, exchange)
        if exchange.responder in exchange.commits:
            self.check_lost_commit(stream, exchange)

    def check_dhpart(self, stream, exchange, side, message, sender):
        choice = exchange.commit.choice
        agreement = choice['key-agreement']
        same(len(message.pv), 4 * wire.PV_WORDS.get(agreement, 0), f'the length of a public value for {agreement}')
        same(message.h1, side.chain[1], f'H1 of {side.end.name}')
        self.check_message_mac(side, message, 0)
        secret, drawn = side.end.claim_secret_value(agreement, message.pv)
        if agreement in derive.PRIMES:  # "SHOULD be twice as long as the AES key length", §5.1.5
            require(8 * drawn >= 2 * derive.AES_BITS[choice['cipher']], f'a secret value of {drawn} octets')
        ids = self.secret_ids(stream, exchange, side, sender)
        for name, sent in message.ids.items():
            if ids[name]:
                same(sent, ids[name], f'the ID of {name} of {side.end.name}')
            else:
                side.end.claim_octets(sent, f'random ID in place of {name} in {message.type}')
        exchange.dhparts[side.end.name] = message
        message.secret = secret

    def secret_ids(self, stream, exchange, side, sender):
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
        return end.aux

    def check_lost_commit(self, stream, exchange):
        """The hvi of the Commit that lost, from the DHPart2 that was never sent."""
        lost = exchange.commits[exchange.responder]
        if not hasattr(lost, 'hvi'):
            return
        side = self.streams[stream][exchange.responder]
        hello_r = self.streams[stream][exchange.initiator].hello
        hash_ = Hash(lost.choice['hash'])
        ids = self.secret_ids(stream, exchange, side, 'Initiator')
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
        exchange.matched = s1 is not None
        self.derive_session(exchange, hash_, s0, zids, total_hash)
        self.derive_rest(exchange, hash_, s0, zids + total_hash)

    def preshared_key(self, commit, end, aux=True, pbx=True):
        """§4.4.2.2"""
        hash_ = Hash(commit.choice['hash'])
        require(end.retained('rs1') is not None, f'{end.name} goes Preshared without rs1')
        auxsecret = self.auxsecret(end, hash_, 'Initiator') if aux else None
        return hash_.digest(counted(end.retained('rs1')), counted(auxsecret),
                            counted(end.retained('pbx') if pbx else None))

    @staticmethod
    def preshared_key_id(commit, key):
        return Hash(commit.choice['hash']).mac64(key, LABELS['keyID'])

    def derive_preshared(self, stream, exchange):
        """§4.4.2.4; the responder finds the key by leaving out auxsecret, pbxsecret or both (§4.4.2.3)."""
        commit = exchange.commit
        hash_ = Hash(commit.choice['hash'])
        responder = self.ends[exchange.responder]
        key = self.preshared_key(commit, self.ends[exchange.initiator])
        found = {self.preshared_key(commit, responder, aux, pbx) for aux in (True, False) for pbx in (True, False)}
        require(key in found, 'the responder has no key for the keyID')
        total_hash = hash_.digest(self.streams[stream][exchange.responder].hello.octets, commit.octets)
        zids = self.ends[exchange.initiator].zid + responder.zid
        s0 = hash_.kdf(key, LABELS['s0 Preshared'], zids + total_hash, hash_.bits)
        exchange.matched = True
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
        exchange.matched = False
        exchange.session = None
        self.derive_rest(exchange, hash_, s0, context)

    def derive_session(self, exchange, hash_, s0, zids, total_hash):
        """§4.5.2, and rs1 (§4.6.1)"""
        context = zids + total_hash
        exchange.session = SimpleNamespace(
            hash=hash_, choice=exchange.commit.choice, context=context, zids=zids,
            zrtpsess=hash_.kdf(s0, LABELS['ZRTPSess'], context, hash_.bits),
            sashash=hash_.kdf(s0, LABELS['sashash'], context, 256),
            exported=hash_.kdf(s0, LABELS['ExportedKey'], context, hash_.bits),
            rs1=hash_.kdf(s0, LABELS['rs1'], context, 256))

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
            mode = exchange.commit.choice['key-agreement']
            require(mode in ('Mult', 'Prsh'), 'a Confirm1 before DHPart1')
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
        if exchange.session:
            same(plain.expiry, given.expiry, f'the expiry that {name} sends')
            # §7.1, §4.9.1; a flag that was set for a secret which the peer does not have is not sent.
            same(plain.verified, bool(given.expiry and exchange.matched and side.end.record.verified),
                 f'the V flag of {name}')
        else:
            same(plain.expiry, 0xffffffff, f'the expiry that {name} sends in Multistream mode')  # §4.9
            same(plain.verified, False, f'the V flag of {name} in Multistream mode')
        same(plain.enrollment, self.given_flag(side, 'enrollment'), f'the E flag of {name}')
        same(plain.allow_clear, self.given_flag(side, 'allow_clear') and not plain.enrollment, f'the A flag of {name}')
        same(plain.disclosure, self.given_flag(side, 'disclosure'), f'the D flag of {name}')

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
            wanted = None if self.mismatch(exchange, end) else self.renewed(exchange, end)
        else:
            wanted, end.owed = end.owed, None
        require(wanted is not None, f'{end.name} stores something')
        same(vars(line.record), wanted, f'what {end.name} stores')
        end.cache = line.record

    @staticmethod
    def mismatch(exchange, end):
        """§4.3.2; a secret that had expired may be gone without notice (§4.9)."""
        return bool(exchange.session and not exchange.matched and end.retained('rs1') is not None
                    and end.record.expiry > 0)

    def renewed(self, exchange, end):
        """The record after the exchange, None when there is nothing to be stored (§4.6.1, §4.9)."""
        if not exchange.session or end.session not in (None, exchange.session):
            return None
        expiry = min(plain.expiry for plain in exchange.plain.values())
        old = vars(end.record) if end.record else {'rs1': None, 'rs2': None, 'verified': False}
        if exchange.plain[end.name].expiry == 0 or expiry == 0 and old['rs1'] is None and old['rs2'] is None:
            return None
        record = dict(old, expiry=expiry, verified=old['verified'] and exchange.matched)
        if expiry > 0:
            if exchange.commit.choice['key-agreement'] != 'Prsh':
                record['rs2'] = old['rs1']
            record['rs1'] = exchange.session.rs1
        return record

    def on_secure(self, line):
        end, exchange = self.end(line.end), self.exchange(line)
        peer = self.peer(line.end)
        peer_side = self.streams[line.stream][peer.name]
        self.tells(exchange, line, 'secure')
        self.check_confirmed(exchange, line)
        if exchange.session and end.session is None:
            end.session = SimpleNamespace(**vars(exchange.session))
        mismatch = self.mismatch(exchange, end)
        to_store = self.renewed(exchange, end) is not None and not mismatch
        same((end.name, 'store') in exchange.told, to_store, f'that {end.name} has stored')
        choice = exchange.commit.choice
        same(line.sas, derive.sas(end.session.choice['sas'], end.session.sashash), f'the SAS of {end.name}')
        same(line.role, {'i': 'initiator', 'r': 'responder'}[exchange.role(end.name)], f'the role of {end.name}')
        same(line.choice, choice, f'what {end.name} says was chosen')
        same(line.verified, exchange.matched and end.record.verified and exchange.plain[peer.name].verified,
             f'that the SAS is verified for {end.name}')
        same(line.mismatch, mismatch, f'that there is a mismatch for {end.name}')
        same(line.peer_disclosure, exchange.plain[peer.name].disclosure, 'the D flag')
        same(line.peer_mitm, peer_side.hello.mitm, 'the M flag')
        same(line.peer_zid, peer.zid, 'the ZID of the peer')
        same(line.peer_client_id, peer_side.hello.client_id, 'the client identifier of the peer')

    def on_sas_verified(self, line):
        end, exchange = self.end(line.end), self.exchange(line)
        require((end.name, 'secure') in exchange.told and exchange.session, 'a SAS is verified that there is not')
        if exchange.plain[end.name].expiry == 0:
            return
        if line.matches:  # §4.6.1.1, §7.1
            record = self.renewed(exchange, end)
            end.owed = dict(record, verified=True)
        else:  # "clearing the SAS Verified flag, and erase the cached shared secret from this session", §7.1
            old = vars(end.record) if end.record else {'rs1': None, 'rs2': None, 'expiry': 0}
            end.owed = dict(old, verified=False)

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
        for number_of_stream in self.streams:
            require(number_of_stream in self.exchanges, f'nothing was agreed on for stream {number_of_stream}')
        for exchange in list(self.exchanges.values()) + self.finished:
            require(exchange.acked, 'an exchange that has no end')
            for end in self.ends:
                for what in ('receive key', 'send key', 'secure'):
                    require((end, what) in exchange.told, f'{end} has not told: {what}')
        for end in self.ends.values():
            same(end.owed, None, f'what {end.name} has still to store')
            require('sashash' in end.told, f'{end.name} has not told: sashash')
            require(any(what.startswith('exported key') for what in end.told), f'{end.name} has exported no key')
        self.done = True
