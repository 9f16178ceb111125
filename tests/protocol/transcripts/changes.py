"""All the ways to change one thing in a transcript, to see whether the check notices.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy

import wire
from derive import IMPLICIT

def has_no_effect(line, path, preshared):
    """What may be anything: a name; how long an end has still to keep a secret, and how often it was used, if it is not
    used now; a flag for a secret that is not there; in Multistream mode how long a secret is to be kept (§4.9);
    the A flag under the E flag (§7.3.1)."""
    name = (line['line'], *path)
    return (name in (('scenario', 'name'), ('end', 'record', 'expiry'))
            or name == ('end', 'record', 'preshared_calls') and not preshared
            or name == ('end', 'record', 'verified') and line['record']['rs1'] is None
            or name == ('end', 'record', 'rs2_verified') and line['record']['rs2'] is None
            or name == ('stream', 'expiry') and line['stream'] > 0
            or name == ('stream', 'allow_clear') and line['enroll'])


def flip(octets, at, mask=0x08):
    return octets[:at] + bytes([octets[at] ^ mask]) + octets[at + 1:]


def with_line(lines, index, line):
    return lines[:index] + [line] + lines[index + 1:]


def lines_gone_or_doubled(lines):
    for index, line in enumerate(lines):
        yield f'line {index} ({line["line"]}) gone', lines[:index] + lines[index + 1:]
        yield f'line {index} ({line["line"]}) doubled', lines[:index] + [line] + lines[index:]


# --- Fields --------------------------------------------------------------------------------------

def is_hex(value):
    digits = isinstance(value, str) and not set(value) - set('0123456789abcdef')
    return digits and len(value) >= 16 and len(value) % 2 == 0


def some_of(size, thorough):
    """The octets to change: all, or one in the middle and the last."""
    return range(size) if thorough else sorted({size // 2, size - 1})


def other_values(value, thorough):
    """What could stand in its place."""
    if value is None:
        yield '11' * 32
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        yield value ^ 0x80
    elif is_hex(value):
        octets = bytes.fromhex(value)
        for at in some_of(len(octets), thorough):
            yield flip(octets, at, 1 << at % 8).hex()
        yield octets[:-1].hex()
        yield None
    elif isinstance(value, str):
        for at in some_of(len(value), thorough):
            yield value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1:]
        yield ''
    elif isinstance(value, list):
        yield value + ['ZZZZ']
        for at in range(len(value)):
            yield value[:at] + value[at + 1:]
            for other in other_values(value[at], thorough):
                yield value[:at] + [other] + value[at + 1:]


def leaves(value, path=()):
    """Paths to everything in a line that is no object; a record also as a whole."""
    if isinstance(value, dict):
        if path:
            yield path
        for name in value:
            yield from leaves(value[name], path + (name,))
    else:
        yield path


def fields_changed(lines, thorough=True):
    """Every value of every line but packets and draws, which are changed below."""
    preshared = any(line['line'] == 'secure' and line['mode'] == 'preshared' for line in lines)
    for index, line in enumerate(lines):
        for path in leaves(line):
            if has_no_effect(line, path, preshared) or path[-1] == 'octets' and line['line'] in ('packet', 'draw'):
                continue
            value = line
            for name in path:
                value = value[name]
            for other in [None] if isinstance(value, dict) else other_values(value, thorough):
                changed = copy.deepcopy(line)
                place = changed
                for name in path[:-1]:
                    place = place[name]
                place[path[-1]] = other
                yield f'line {index} ({line["line"]}): {".".join(path)} = {other!r}', with_line(lines, index, changed)


def draws_changed(lines, replay, thorough=True):
    """Octets that an end drew and used; bit 3, as X25519 does not use all bits of the first and last octets."""
    for name, end in replay.ends.items():
        indices = [index for index, line in enumerate(lines) if line['line'] == 'draw' and line['end'] == name]
        for (draw, offset, size), purpose in end.claims.items():
            line = lines[indices[draw]]
            for at in some_of(size, thorough):
                octets = flip(bytes.fromhex(line['octets']), offset + at).hex()
                yield f'octet {offset + at} of a draw of {name} ({purpose})', \
                    with_line(lines, indices[draw], dict(line, octets=octets))


# --- Packets -------------------------------------------------------------------------------------

MAC_KEY = {b'Hello   ': 2, b'Commit  ': 1, b'DHPart1 ': 0, b'DHPart2 ': 0}  # of the sender's chain H0-H3
ENCRYPTED = (b'Confirm1', b'Confirm2', b'SASrelay')


def with_good_mac(message, at, side, mackeys):
    """The message, changed at `at`, with the MAC that its sender would have given it."""
    kind = message[4:12]
    if kind in MAC_KEY and at < len(message) - 8:
        return message[:-8] + IMPLICIT.mac64(side.chain[MAC_KEY[kind]], message[:-8])
    if kind in ENCRYPTED and at >= 36:
        hash_, key = mackeys
        return message[:12] + hash_.mac64(key, message[36:]) + message[20:]
    return message


def mackeys_of(replay, name, sent):
    """(hash, mackey) of a message with a confirm_mac."""
    for exchange in replay.finished + list(replay.exchanges.values()):
        key = exchange.keys['mackey' + exchange.role(name)]
        if exchange.hash.mac64(key, sent[36:]) == sent[12:20]:
            return exchange.hash, key
    return None


def packets_changed(lines, replay, types=None):
    """Every octet of every packet, with the CRC and the MACs made good again unless it is they that are changed.
    Only messages of these types, if any are given."""
    for index, line in enumerate(lines):
        if line['line'] != 'packet':
            continue
        packet = bytes.fromhex(line['octets'])
        message = packet[12:-4]
        if types and message[4:12] not in types:
            continue
        side = replay.streams[line['stream']][line['end']]
        mackeys = mackeys_of(replay, line['end'], message) if message[4:12] in ENCRYPTED else None
        for at in range(len(packet)):
            changed = flip(packet, at, 1 << at % 8)
            if 12 <= at < len(packet) - 4:
                changed = changed[:12] + with_good_mac(changed[12:-4], at - 12, side, mackeys) + changed[-4:]
            if at < len(packet) - 4:
                changed = changed[:-4] + wire.crc32c(changed[:-4])
            yield f'octet {at} of {message[4:12].decode()} of {line["end"]}', \
                with_line(lines, index, dict(line, octets=changed.hex()))
