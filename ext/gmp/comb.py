#!/usr/bin/env python3
"""Writes the constants with which modp.c raises 2 to a power modulo the primes p of RFC 3526 §3 and §4.

They are numbers modulo p, times R = 2^2048 or 2^3072. modp.c says what they are for.

SPDX-License-Identifier: LGPL-2.1-or-later
"""
import sys

TABLES = 2
TEETH = 4
SPACING = 72
BLOCK = 512

ONE = 1 << 3000


def arctan_of_inverse(d):
    return sum((-1) ** i * (ONE // d ** (2 * i + 1) // (2 * i + 1)) for i in range(700))


PI = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


class Group:
    """p = 2^bits - 2^(bits - 64) - 1 + 2^64 * ([2^(bits - 130) pi] + addend)"""

    def __init__(self, name, bits, addend):
        self.name, self.bits, self.r = name, bits, 2**bits
        self.p = self.r - 2 ** (bits - 64) - 1 + 2**64 * ((PI >> 3000 - (bits - 130)) + addend)

    def entry(self, table, index):
        teeth = (TEETH * table + i for i in range(TEETH) if index >> i & 1)
        return pow(2, sum(1 << SPACING * tooth for tooth in teeth), self.p) * self.r % self.p


def limbs(number, bits):
    """The number in C, least significant first"""
    return ", ".join(f"U64 ({number >> i & 2**64 - 1:#018x})" for i in range(0, bits, 64))


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write(f"""/* Made by comb.py. */
#include <gmp.h>
#include <stdint.h>

#if GMP_LIMB_BITS == 64
#define U64(number) number
#else
#define U64(number) (mp_limb_t) (UINT64_C (number) & 0xffffffff), (mp_limb_t) (UINT64_C (number) >> 32)
#endif

enum {{ TABLES = {TABLES}, TEETH = {TEETH}, SPACING = {SPACING}, BLOCK_BITS = {BLOCK} }};
""")
    for group in Group("dh2k", 2048, 124476), Group("dh3k", 3072, 1690314):
        inverse = -pow(group.p, -1, 2**BLOCK) % 2**BLOCK
        out.write(f"""
/* -1 / p mod 2^{BLOCK} */
static const mp_limb_t {group.name}_inverse[] = {{ {limbs(inverse, BLOCK)} }};

static const mp_limb_t {group.name}_comb[] = {{
""")
        for t in range(TABLES):
            for i in range(2**TEETH):
                out.write(f"  {limbs(group.entry(t, i), group.bits)},\n")
        out.write("};\n")
