#!/usr/bin/env python3
"""Writes the constants with which modp.c raises 2 to a power modulo the prime p of RFC 3526 §4.

They are numbers modulo p, times R = 2^3072. modp.c says what they are for.

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


# [2^2942 pi]
PI = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> 58
R = 2**3072
P = R - 2**3008 - 1 + 2**64 * (PI + 1690314)


def limbs(number, bits):
    """The number in C, least significant first"""
    return ", ".join(f"U64 ({number >> i & 2**64 - 1:#018x})" for i in range(0, bits, 64))


def entry(table, index):
    teeth = (TEETH * table + i for i in range(TEETH) if index >> i & 1)
    return pow(2, sum(1 << SPACING * tooth for tooth in teeth), P) * R % P


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

/* -1 / p mod 2^{BLOCK} */
static const mp_limb_t dh3k_inverse[] = {{ {limbs(-pow(P, -1, 2**BLOCK) % 2**BLOCK, BLOCK)} }};

static const mp_limb_t dh3k_comb[] = {{
""")
    for t in range(TABLES):
        for i in range(2**TEETH):
            out.write(f"  {limbs(entry(t, i), 3072)},\n")
    out.write("};\n")
