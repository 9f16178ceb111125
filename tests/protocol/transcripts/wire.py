"""ZRTP packets as RFC 6189 §5 draws them, taken apart strictly: what a sender may not do is a Disagreement.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import struct
from types import SimpleNamespace


class Disagreement(Exception):
    """What was reported or sent is not what the RFC says."""


def require(condition, text):
    if not condition:
        raise Disagreement(text)


def same(told, right, what):
    if told != right:
        raise Disagreement(f'{what} is {shown(told)}, should be {shown(right)}')


def shown(value):
    return value.hex() if isinstance(value, bytes) else repr(value)


# --- The packet, Figure 2 ------------------------------------------------------------------------

def _crc_table():
    """CRC-32C (RFC 4960 Appendix B): the polynomial 0x1EDC6F41, bits mirrored."""
    polynomial = int(f'{0x1EDC6F41:032b}'[::-1], 2)
    table = []
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (polynomial if octet & 1 else 0)
        table.append(octet)
    return table


CRC_TABLE = _crc_table()


def crc32c(octets):
    """The four octets as RFC 4960 Appendix B puts them on the wire."""
    crc = 0xffffffff
    for octet in octets:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ octet) & 0xff]
    return struct.pack('<I', crc ^ 0xffffffff)


def seal(message, sequence, ssrc):
    """The packet around a message."""
    packet = struct.pack('>HH4sI', 0x1000, sequence, b'ZRTP', ssrc) + message
    return packet + crc32c(packet)


def parse_packet(packet):
    """(sequence number, SSRC, message)"""
    require(len(packet) >= 12 + 12 + 4 and len(packet) % 4 == 0, f'a packet of {len(packet)} octets')
    same(packet[-4:], crc32c(packet[:-4]), 'the CRC')
    first, sequence, cookie, ssrc = struct.unpack('>HH4sI', packet[:12])
    same(first, 0x1000, 'the first 16 bits of the header')
    same(cookie, b'ZRTP', 'the magic cookie')
    return sequence, ssrc, packet[12:-4]


# --- Messages, Figures 3-19 ----------------------------------------------------------------------

KINDS = ('hash', 'cipher', 'auth-tag', 'key-agreement', 'sas')  # in the order of Figure 3

# §5.1.5, Table 5; X255, X448 and E255 are the raw octets of RFC 7748.
PV_WORDS = {'DH3k': 96, 'DH2k': 64, 'EC25': 16, 'EC38': 24, 'EC52': 33, 'X255': 8, 'E255': 8, 'X448': 14}


class Cursor:
    def __init__(self, octets):
        self.octets = octets
        self.at = 0

    def take(self, size):
        piece = self.octets[self.at:self.at + size]
        require(len(piece) == size, 'a message that ends in the middle of a field')
        self.at += size
        return piece

    def block(self):
        """Four characters, such as S256."""
        octets = self.take(4)
        require(all(0x20 <= octet < 0x7f for octet in octets), f'a type block of {octets.hex()}')
        return octets.decode()

    def number(self):
        return int.from_bytes(self.take(4), 'big')

    def end(self):
        require(self.at == len(self.octets), f'{len(self.octets) - self.at} octets too many in a message')


def _hello(body):
    fields = {'version': body.take(4), 'client_id': body.take(16), 'h3': body.take(32), 'zid': body.take(12)}
    word = body.number()
    require(not word & 0x8ff00000, 'a bit of the Hello that must be zero')
    fields.update(signature=bool(word >> 30 & 1), mitm=bool(word >> 29 & 1), passive=bool(word >> 28 & 1))
    counts = [word >> shift & 15 for shift in (16, 12, 8, 4, 0)]
    require(max(counts) <= 7, 'a list of more than seven')
    fields['lists'] = {kind: [body.block() for _ in range(count)] for kind, count in zip(KINDS, counts)}
    for kind, listed in fields['lists'].items():
        require(len(set(listed)) == len(listed), f'a {kind} that is listed twice')
    fields['mac'] = body.take(8)
    return fields


def _commit(body):
    fields = {'h2': body.take(32), 'zid': body.take(12), 'choice': {kind: body.block() for kind in KINDS}}
    agreement = fields['choice']['key-agreement']
    if agreement == 'Mult':
        fields['nonce'] = body.take(16)
    elif agreement == 'Prsh':
        fields['nonce'] = body.take(16)
        fields['key_id'] = body.take(8)
    else:
        require(agreement in PV_WORDS, f'a Commit that names {agreement}')
        fields['hvi'] = body.take(32)
    fields['mac'] = body.take(8)
    return fields


def _dhpart(body):
    fields = {'h1': body.take(32), 'ids': {name: body.take(8) for name in ('rs1', 'rs2', 'aux', 'pbx')}}
    fields['pv'] = body.take(len(body.octets) - body.at - 8)
    require(len(fields['pv']) // 4 in PV_WORDS.values(), f'a public value of {len(fields["pv"])} octets')
    fields['mac'] = body.take(8)
    return fields


def _encrypted(body):
    return {'mac': body.take(8), 'iv': body.take(16), 'encrypted': body.take(len(body.octets) - body.at)}


def _error(body):
    return {'code': body.number()}


def _goclear(body):
    return {'clear_mac': body.take(8)}


def _ping(body):
    return {'version': body.take(4), 'endpoint_hash': body.take(8)}


def _pingack(body):
    return {'version': body.take(4), 'endpoint_hash': body.take(8), 'received_endpoint_hash': body.take(8),
            'ssrc': body.number()}


def _nothing(_):
    return {}


BODIES = {
    'Hello   ': _hello, 'HelloACK': _nothing, 'Commit  ': _commit, 'DHPart1 ': _dhpart, 'DHPart2 ': _dhpart,
    'Confirm1': _encrypted, 'Confirm2': _encrypted, 'Conf2ACK': _nothing, 'Error   ': _error, 'ErrorACK': _nothing,
    'GoClear ': _goclear, 'ClearACK': _nothing, 'SASrelay': _encrypted, 'RelayACK': _nothing,
    'Ping    ': _ping, 'PingACK ': _pingack,
}


def parse_message(message):
    """Its fields, with `type` stripped of its spaces and `octets`, the message itself."""
    preamble, words = struct.unpack('>HH', message[:4])
    same(preamble, 0x505a, 'the preamble')
    same(words * 4, len(message), 'the length of a message')
    name = message[4:12].decode('ascii', 'replace')
    require(name in BODIES, f'a message of type {name!r}')
    body = Cursor(message)
    body.take(12)
    fields = BODIES[name](body)
    body.end()
    return SimpleNamespace(type=name.strip(), octets=message, **fields)


def parse_confirm(plain):
    """What is encrypted in a Confirm, Figure 10."""
    body = Cursor(plain)
    h0, word = body.take(32), body.number()
    require(not word >> 8 >> 9 and not word & 0xf0, 'a bit of the Confirm that must be zero')
    fields = {'h0': h0, 'expiry': body.number(), 'signature': body.take(4 * (word >> 8 & 0x1ff)),
              'enrollment': bool(word & 8), 'verified': bool(word & 4), 'allow_clear': bool(word & 2),
              'disclosure': bool(word & 1)}
    body.end()
    return SimpleNamespace(**fields)


def parse_relay(plain):
    """What is encrypted in a SASrelay, Figure 16."""
    body = Cursor(plain)
    word = body.number()
    require(not word >> 8 >> 9 and not word & 0xf8, 'a bit of the SASrelay that must be zero')
    fields = {'scheme': body.block(), 'sashash': body.take(32), 'signature': body.take(4 * (word >> 8 & 0x1ff)),
              'verified': bool(word & 4), 'allow_clear': bool(word & 2), 'disclosure': bool(word & 1)}
    body.end()
    return SimpleNamespace(**fields)
