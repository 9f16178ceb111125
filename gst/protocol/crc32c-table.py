#!/usr/bin/env python3
"""Writes the CRC-32C tables of packet.c: polynomial 0x1EDC6F41 (RFC 4960 Appendix B), reflected.

SPDX-License-Identifier: LGPL-2.1-or-later
"""
import sys

POLYNOMIAL = int(f"{0x1EDC6F41:032b}"[::-1], 2)


def one_octet(value):
    for _ in range(8):
        value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
    return value


tables = [[one_octet(i) for i in range(256)]]
for _ in range(7):
    tables.append([v >> 8 ^ tables[0][v & 0xFF] for v in tables[-1]])

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("/* Made by crc32c-table.py. */\n#include <stdint.h>\n\n")
    out.write("static const uint32_t zrtp_crc32c_table[8][256] = {\n")
    for table in tables:
        out.write("  {" + ", ".join(f"0x{v:08x}" for v in table) + "},\n")
    out.write("};\n")
