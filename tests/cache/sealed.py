#!/usr/bin/env python3
"""AES-256-GCM and sealed secrets, compared with python3-cryptography: sealed.py PRINT-SEALED

SPDX-License-Identifier: LGPL-2.1-or-later
"""
import os
import random
import struct
import subprocess
import sys

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    print('python3-cryptography is not installed')
    sys.exit(77)


def printed(*args):
    return bytes.fromhex(subprocess.run([sys.argv[1], *args], check=True, capture_output=True, text=True).stdout)


def field(octets):
    return struct.pack('>I', len(octets)) + octets


def compare_gcm(n_authenticated, n_plain):
    key, nonce, authenticated, plain = (os.urandom(n) for n in (32, 12, n_authenticated, n_plain))
    expected = AESGCM(key).encrypt(nonce, plain, authenticated)
    assert printed('gcm', key.hex(), nonce.hex(), authenticated.hex(), plain.hex()) == expected


def compare_record(present):
    key, zid, peer_zid = os.urandom(32), os.urandom(12), os.urandom(12)
    secrets = [os.urandom(32) if bit in present else b'' for bit in range(3)]
    texts = [random.choice(('', 'sip:alice@example.com', 'Bob on his phone')) for _ in range(3)]
    flags = [random.randrange(2) for _ in range(2)]
    expires, preshared = random.choice((2**63 - 1, 1800000000, 0)), random.randrange(256)
    sealed = printed('record', key.hex(), zid.hex(), peer_zid.hex(), *texts, *map(str, flags), str(expires),
                     str(preshared), *(secret.hex() for secret in secrets))
    authenticated = (field(b'\1') + field(zid) + field(peer_zid) + b''.join(field(text.encode()) for text in texts) +
                     field(bytes(flags)) + struct.pack('>QI', expires, preshared))
    plain = AESGCM(key).decrypt(sealed[:12], sealed[12:], authenticated)
    assert plain == bytes([sum(1 << bit for bit in present)]) + b''.join(secret or bytes(32) for secret in secrets)
    return sealed[:12]


for sizes in ((0, 0), (0, 1), (20, 60), (16, 97), (97, 16), (500, 1000)):
    compare_gcm(*sizes)
nonces = [compare_record(present) for present in ((), (0,), (1,), (2,), (0, 1), (0, 2), (0, 1, 2))]
assert len(set(nonces)) == len(nonces), 'a nonce was used twice'
try:
    AESGCM(bytes(32)).decrypt(bytes(12), bytes(16), None)
    sys.exit('this AES-GCM takes anything')
except InvalidTag:
    print('6 messages and 7 records are the same as python3-cryptography has them')
