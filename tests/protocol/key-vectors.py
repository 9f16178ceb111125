#!/usr/bin/env python3
"""The key derivation of RFC 6189 §4.4.1.4-§4.5.3 a second time, with Python's hashlib and hmac only.

Prints what test-messages.c expects of zrtp_derive_keys(), for each hash.

SPDX-License-Identifier: LGPL-2.1-or-later
"""
import hashlib
import hmac
import struct


def number(value):
    return struct.pack('>I', value)


def counted(secret):
    return number(len(secret)) + secret


def derive(name, key_bits, salt_bits):
    def digest(*parts):
        return hashlib.new(name, b''.join(parts)).digest()

    size = hashlib.new(name).digest_size * 8
    zidi, zidr = b'I' * 12, b'R' * 12
    total_hash = digest(b'hello of responder', b'commit', b'dhpart1', b'dhpart2')
    dhresult, s1, s2, s3 = bytes(range(32)), b'\x11' * 32, b'', b'\x33' * 32
    s0 = digest(number(1), dhresult, b'ZRTP-HMAC-KDF', zidi, zidr, total_hash, counted(s1), counted(s2), counted(s3))
    context = zidi + zidr + total_hash
    for label, bits in (('ZRTP Session Key', size), ('SAS', 256), ('Exported key', size),
                        ('Initiator SRTP master key', key_bits), ('Initiator SRTP master salt', salt_bits),
                        ('Responder SRTP master key', key_bits), ('Responder SRTP master salt', salt_bits),
                        ('Initiator HMAC key', size), ('Responder HMAC key', size),
                        ('Initiator ZRTP key', key_bits), ('Responder ZRTP key', key_bits),
                        ('retained secret', 256)):
        message = number(1) + label.encode() + b'\0' + context + number(bits)
        print(f'    "{hmac.new(s0, message, name).digest()[:bits // 8].hex()}", /* {label} */')


if __name__ == '__main__':
    for arguments in (('sha256', 128, 112), ('sha384', 256, 112), ('sha512', 256, 96), ('sha3_256', 128, 112),
                      ('sha3_384', 256, 112)):
        print(f'  {{ /* {arguments[0]}, {arguments[1]}-bit cipher key, {arguments[2]}-bit salt */')
        derive(*arguments)
        print('  },')
