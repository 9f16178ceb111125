"""The arithmetic of RFC 6189: hashes (§5.1.2), KDF (§4.5.1), key agreements (§5.1.5), CFB (§5.7), SAS (§5.1.6).

Standard Python and the `cryptography` package; nothing of the library that is checked.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import functools
import hashlib
import hmac
import struct

from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.primitives.asymmetric import ec, x25519, x448
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import words
from wire import Disagreement

# --- Hashes --------------------------------------------------------------------------------------

# N256 and N384 are SHA-3, "when published" (Table 2); S512 is no type of the RFC, but another SHA-2.
HASHES = {'S256': 'sha256', 'S384': 'sha384', 'S512': 'sha512', 'N256': 'sha3_256', 'N384': 'sha3_384'}

# All labels, in one place, so that a test can change them: §4.3.1, §4.4.1.4-§4.6.1, §4.7.2, §7.3.1, §8.2.
LABELS = {
    'Initiator': b'Initiator',
    'Responder': b'Responder',
    's0': b'ZRTP-HMAC-KDF',
    'keyID': b'Prsh',
    's0 Preshared': b'ZRTP PSK',
    's0 Multistream': b'ZRTP MSK',
    'ZRTPSess': b'ZRTP Session Key',
    'ZRTPSess after GoClear': b'New ZRTP Session',
    'sashash': b'SAS',
    'ExportedKey': b'Exported key',
    'srtpkeyi': b'Initiator SRTP master key',
    'srtpsalti': b'Initiator SRTP master salt',
    'srtpkeyr': b'Responder SRTP master key',
    'srtpsaltr': b'Responder SRTP master salt',
    'mackeyi': b'Initiator HMAC key',
    'mackeyr': b'Responder HMAC key',
    'zrtpkeyi': b'Initiator ZRTP key',
    'zrtpkeyr': b'Responder ZRTP key',
    'rs1': b'retained secret',
    'clear_mac': b'GoClear ',
    'pbxsecret': b'Trusted MiTM key',
    'srtps': b'SRTP Secret',
}


def number(value):
    """A 32-bit big-endian integer."""
    return struct.pack('>I', value)


def counted(secret):
    """len(secret) || secret; a null secret has the length 0 (§4.4.1.4)."""
    return number(len(secret or b'')) + (secret or b'')


class Hash:
    """A Hash Type Block's hash, its HMAC (§5.1.2.1) and the KDF made of it (§4.5.1)."""

    def __init__(self, name):
        self.name = HASHES[name]
        self.bits = 8 * hashlib.new(self.name).digest_size

    def digest(self, *parts):
        return hashlib.new(self.name, b''.join(parts)).digest()

    def mac(self, key, *parts):
        return hmac.new(key, b''.join(parts), self.name).digest()

    def mac64(self, key, *parts):
        return self.mac(key, *parts)[:8]

    def kdf(self, key, label, context, bits):
        assert 0 < bits <= self.bits and bits % 8 == 0
        return self.mac(key, number(1), label, b'\0', context, number(bits))[:bits // 8]


IMPLICIT = Hash('S256')  # §5.1.2.2


def chain(h0):
    """H0 to H3 (§9)."""
    images = [h0]
    while len(images) < 4:
        images.append(IMPLICIT.digest(images[-1]))
    return images


# --- Ciphers -------------------------------------------------------------------------------------

AES_BITS = {'AES1': 128, 'AES2': 192, 'AES3': 256}


def cfb(key, iv, octets, decrypt):
    """AES in CFB mode with a feedback of a whole block, the last block truncated (§5.7)."""
    block = Cipher(algorithms.AES(key), modes.ECB(), default_backend()).encryptor()
    out = b''
    for at in range(0, len(octets), 16):
        piece = octets[at:at + 16]
        mixed = bytes(a ^ b for a, b in zip(piece, block.update(iv)))
        out += mixed
        iv = piece if decrypt else mixed
    return out


# --- Key agreements ------------------------------------------------------------------------------

CURVES = {'EC25': (ec.SECP256R1(), 32), 'EC38': (ec.SECP384R1(), 48), 'EC52': (ec.SECP521R1(), 66)}
MONTGOMERY = {'X255': (x25519.X25519PrivateKey, x25519.X25519PublicKey, 32),
              'E255': (x25519.X25519PrivateKey, x25519.X25519PublicKey, 32),
              'X448': (x448.X448PrivateKey, x448.X448PublicKey, 56)}


def pi_bits(n):
    """[2^n pi], by Machin's formula."""
    guard = 64
    one = 1 << n + guard

    def arctan_of_inverse(x):
        total = term = one // x
        divisor, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // divisor)
            divisor, sign = divisor + 2, -sign
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> guard


# RFC 3526 §3 and §4 give the primes as formulas.
PRIMES = {
    'DH2k': 2 ** 2048 - 2 ** 1984 - 1 + 2 ** 64 * (pi_bits(1918) + 124476),
    'DH3k': 2 ** 3072 - 2 ** 3008 - 1 + 2 ** 64 * (pi_bits(2942) + 1690314),
}


def secret_value(agreement, draw):
    """The secret value that an end makes of what it drew, or None if that is none: a scalar as RFC 7748 has it, a
    number from 1 to n-1 for a curve (SP 800-56A §5.6.1.2.2), an exponent of at least 256 bits (§5.1.5)."""
    if agreement in MONTGOMERY:
        return draw if len(draw) == MONTGOMERY[agreement][2] else None
    if agreement in CURVES:
        curve, size = CURVES[agreement]
        if len(draw) != size:
            return None
        value = int.from_bytes(draw, 'big') & (1 << curve.key_size) - 1
        try:
            ec.derive_private_key(value, curve, default_backend())
        except ValueError:
            return None
        return value
    return int.from_bytes(draw, 'big') if len(draw) in (32, 48, 64) else None


@functools.lru_cache(maxsize=None)
def public_value(agreement, secret):
    """pv, fixed width, big-endian; X and Y of a point (§4.4.1.1, §5.1.5)."""
    if agreement in MONTGOMERY:
        key = MONTGOMERY[agreement][0].from_private_bytes(secret)
        return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    if agreement in CURVES:
        key = ec.derive_private_key(secret, CURVES[agreement][0], default_backend())
        return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    prime = PRIMES[agreement]
    return pow(2, secret, prime).to_bytes(prime.bit_length() // 8, 'big')


@functools.lru_cache(maxsize=None)
def dh_result(agreement, secret, pv):
    """DHResult, fixed width (§4.4.1.4); of a point only X (§5.1.5)."""
    try:
        if agreement in MONTGOMERY:
            private, public, _ = MONTGOMERY[agreement]
            return private.from_private_bytes(secret).exchange(public.from_public_bytes(pv))
        if agreement in CURVES:
            curve, _ = CURVES[agreement]
            key = ec.derive_private_key(secret, curve, default_backend())
            return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, b'\x04' + pv))
    except ValueError as error:
        raise Disagreement(f'a bad public value of {agreement}: {error}') from error
    prime, number_of_peer = PRIMES[agreement], int.from_bytes(pv, 'big')
    if not 1 < number_of_peer < prime - 1:  # §4.4.1.2, §4.4.1.3
        raise Disagreement(f'a bad public value of {agreement}')
    return pow(number_of_peer, secret, prime).to_bytes(prime.bit_length() // 8, 'big')


# --- SAS -----------------------------------------------------------------------------------------

def sas(kind, sashash):
    """The leftmost bits of sashash as people read them (§5.1.6)."""
    if kind == 'B256':
        return f'{words.EVEN[sashash[0]]} {words.ODD[sashash[1]]}'
    bits = int.from_bytes(sashash[:4], 'big')
    return ''.join('ybndrfg8ejkmcpqxot1uwisza345h769'[bits >> shift & 31] for shift in (27, 22, 17, 12))
