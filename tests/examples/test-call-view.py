#!/usr/bin/python3
"""Shows that the proofs of call-view.py can fail: wrong, cut or silent sound, clear packets, bad checksums.

SPDX-License-Identifier: LGPL-2.1-or-later

Prints TAP. Needs Python's standard library; the checks of ZRTP packets need tshark too.
"""

import array
import contextlib
import importlib.util
import io
import os
import random
import shutil
import struct
import sys
import tempfile
import unittest
from math import pi, sin
from types import SimpleNamespace

spec = importlib.util.spec_from_file_location('call_view', os.path.join(os.path.dirname(__file__), 'call-view.py'))
call_view = importlib.util.module_from_spec(spec)
spec.loader.exec_module(call_view)

RTP_PORTS, RTCP_PORTS = (40000, 40010), (40001, 40011)
NAMES = [b'alice@call.example', b'bob@call.example']


def babble(seed, seconds=1.5):
    """Something like speech: syllables of changing pitch and loudness with gaps between them."""
    noise = random.Random(seed)
    samples = array.array('h')
    while len(samples) < seconds * call_view.RATE:
        pitch, loud, length = noise.uniform(100, 900), noise.uniform(2000, 12000), noise.randrange(400, 1600)
        samples.extend(int(loud * sin(pi * i / length) * sin(2 * pi * pitch * i / call_view.RATE)
                           + noise.gauss(0, 200)) for i in range(length))
        samples.extend(array.array('h', bytes(2 * noise.randrange(100, 500))))
    return samples


class Messages(unittest.TestCase):
    def test_fields(self):
        kind, name, fields = call_view.parse_message(
            'Got message #61 from element "enc" (element): zrtp-secure, connection-id=(string)zrtp, '
            'sas=(string)ab1y, sas-verified=(boolean)false, cipher=(string)"AES1";')
        self.assertEqual((kind, name), ('element', 'zrtp-secure'))
        self.assertEqual(fields, {'connection-id': 'zrtp', 'sas': 'ab1y', 'sas-verified': 'false', 'cipher': 'AES1'})

    def test_escapes(self):
        line = (r'Got message #7 from element "enc" (element): zrtp-secure, sas=(string)"spearhead\ Yucatan", '
                r'peer-name=(string)"Ren\303\251\,\ \"R\"", role=(string)initiator;')
        fields = call_view.parse_message(line)[2]
        self.assertEqual(fields, {'sas': 'spearhead Yucatan', 'peer-name': 'René, "R"', 'role': 'initiator'})

    def test_other_lines(self):
        self.assertIsNone(call_view.parse_message('Setting pipeline to PLAYING ...'))
        self.assertEqual(call_view.parse_message('Got message #77 from element "sink" (latency): no message details'),
                         ('latency', 'no', {}))


class Sound(unittest.TestCase):
    def setUp(self):
        self.sentence = babble(1)
        self.before = array.array('h', bytes(2 * 3333))
        self.after = array.array('h', bytes(2 * 5000))

    def heard(self, samples):
        return call_view.Arrival(self.sentence, self.before + samples + self.after)

    def test_whole(self):
        arrival = self.heard(self.sentence)
        self.assertTrue(arrival.equal)
        self.assertTrue(arrival.whole)

    def test_another_codec(self):
        noise = random.Random(3)
        arrival = self.heard(array.array('h', (int(0.7 * s + noise.gauss(0, 50)) for s in self.sentence)))
        self.assertFalse(arrival.equal)
        self.assertGreater(arrival.similarity, 0.99)

    def test_wrong_sentence(self):
        arrival = self.heard(babble(2))
        self.assertFalse(arrival.whole)
        self.assertLess(arrival.similarity, 0.5)

    def test_silence(self):
        self.assertFalse(self.heard(array.array('h', bytes(2 * len(self.sentence)))).whole)

    def test_nothing(self):
        self.assertFalse(call_view.Arrival(self.sentence, array.array('h')).whole)
        self.assertEqual(len(call_view.read_wav('/nonexistent.wav')), 0)

    def test_cut_at_the_end(self):
        arrival = call_view.Arrival(self.sentence, self.before + self.sentence[:int(len(self.sentence) * 0.9)])
        self.assertFalse(arrival.whole)
        self.assertGreater(arrival.lost, 0)

    def test_cut_at_the_start(self):
        arrival = call_view.Arrival(self.sentence, self.sentence[800:] + self.after)
        self.assertFalse(arrival.whole)

    def test_hole(self):
        sound = array.array('h', self.sentence)
        loudest = max(range(0, len(sound) - 320, 160), key=lambda i: max(map(abs, sound[i:i + 320])))
        sound[loudest:loudest + 320] = array.array('h', bytes(640))
        arrival = self.heard(sound)
        self.assertGreater(arrival.similarity, 0.9)
        self.assertFalse(arrival.whole)

    def test_half_of_it_faint(self):
        """Each piece keeps its shape, the whole does not."""
        half = len(self.sentence) // 2
        arrival = self.heard(array.array('h', (int(s * 0.05) for s in self.sentence[:half])) + self.sentence[half:])
        self.assertLess(arrival.similarity, 0.9)
        self.assertFalse(arrival.whole)

    def test_wav_round_trip(self):
        with tempfile.TemporaryDirectory() as folder:
            call_view.write_wav(folder + '/x.wav', self.sentence)
            self.assertEqual(call_view.read_wav(folder + '/x.wav'), self.sentence)


class Verdict(unittest.TestCase):
    """report() on two sides that went well, but for what a test changes."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        options = SimpleNamespace(policy='required', key_agreements=None)
        names = ('alice', 'bob')
        for seed, name in enumerate(names):
            call_view.write_wav(f'{folder.name}/{name}-sentence.wav', babble(seed, 0.5))
        self.sides = [call_view.Side(name, options, folder.name, 40000, 40010) for name in names]
        for side, peer in zip(self.sides, reversed(self.sides)):
            side.peer = peer
            call_view.write_wav(side.heard, peer.sentence)
            side.handle('Got message #1 from element "enc" (element): zrtp-secure, sas=(string)ab1y;')
            side.handle('Got message #2 from element "rtp" (element): application/x-rtp-source-sdes, '
                        f'cname=(string)"{peer.name}\\@call.example";')

    def wrong(self):
        with contextlib.redirect_stdout(io.StringIO()):
            return call_view.report(self.sides, None, None)

    def test_good(self):
        self.assertEqual(self.wrong(), [])

    def test_other_sas(self):
        self.sides[1].handle('Got message #3 from element "enc" (element): zrtp-secure, sas=(string)ab1z;')
        self.assertEqual(self.wrong(), ['SAS  alice ab1y  bob ab1z  NO MATCH'])

    def test_clear_again(self):
        self.sides[1].handle('Got message #3 from element "enc" (element): zrtp-state, state=(string)clear;')
        self.assertEqual(self.wrong(), ['bob is NOT secure: clear'])

    def test_failed(self):
        self.sides[0].handle('Got message #3 from element "enc" (element): zrtp-failed, code=(uint)112, '
                             'text=(string)"Bad\\ hash";')
        self.assertEqual(self.wrong(), ['alice: ZRTP failed (0x70): Bad hash', 'alice is NOT secure: failed'])

    def test_own_voice(self):
        """Bob's recording holds what he said himself."""
        call_view.write_wav(self.sides[1].heard, self.sides[1].sentence)
        self.assertEqual(len(self.wrong()), 1)

    def test_no_rtcp(self):
        self.sides[1].rtcp_from = 'mallory@call.example'
        self.assertEqual(self.wrong(), ['RTCP from alice did NOT reach bob'])


class Pcap(unittest.TestCase):
    """Captures made by hand: `packets` are (destination port, UDP payload)."""

    def setUp(self):
        noise = random.Random(5)
        self.random = noise.randbytes
        self.clear = [noise.randbytes(1600), noise.randbytes(1600)]
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def pcap(self, packets):
        path = self.folder.name + '/test.pcap'
        with open(path, 'wb') as capture:
            capture.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            for second, (port, payload) in enumerate(packets):
                udp = struct.pack('>HHHH', 40000, port, 8 + len(payload), 0) + payload
                ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                                 bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1]))
                frame = bytes(12) + b'\x08\x00' + ip + udp
                capture.write(struct.pack('<IIII', second, 0, len(frame), len(frame)) + frame)
        return path

    def rtp(self, payload):
        return bytes([0x80, 0]) + self.random(10) + payload


class Capture(Pcap):
    def wire(self, packets, **how):
        return call_view.Wire(self.pcap(packets), RTP_PORTS, RTCP_PORTS, self.clear, NAMES, **how)

    def srtp(self, port):
        return port, self.rtp(self.random(160 + 10))

    def both(self):
        return [self.srtp(port) for port in RTP_PORTS * 3]

    def test_encrypted(self):
        wire = self.wire(self.both())
        self.assertTrue(wire.good, wire)
        self.assertEqual(wire.first_srtp, 1)

    def test_no_srtp(self):
        wire = self.wire([(40000, self.rtp(self.clear[0][:160]))])
        self.assertFalse(wire.good)
        self.assertIn('NO SRTP', str(wire))

    def test_one_direction(self):
        self.assertFalse(self.wire([self.srtp(40000)] * 5).good)

    def test_clear_before(self):
        packets = [(40000, self.rtp(self.clear[0][:160]))] + self.both()
        self.assertTrue(self.wire(packets).good)
        self.assertFalse(self.wire(packets, required=True).good)

    def test_clear_after(self):
        wire = self.wire(self.both() + [(40000, self.rtp(self.clear[0][160:320]))])
        self.assertFalse(wire.good)
        self.assertIn('packet 7 is clear RTP', str(wire))

    def test_clear_audio_with_a_tag(self):
        """What a null cipher would send: authenticated and readable."""
        wire = self.wire(self.both() + [(40010, self.rtp(self.clear[1][200:360] + self.random(10)))])
        self.assertFalse(wire.good)

    def test_clear_silence(self):
        self.clear[0] = b'\xff' * 320 + self.clear[0]
        self.assertFalse(self.wire(self.both() + [(40000, self.rtp(b'\xff' * 160))]).good)

    def test_clear_rtcp(self):
        wire = self.wire(self.both() + [(40011, bytes(30) + NAMES[0])])
        self.assertFalse(wire.good)
        self.assertIn('clear RTCP', str(wire))


@unittest.skipUnless(shutil.which('tshark'), 'tshark is not installed')
class Checksums(Pcap):
    def message(self, kind, words):
        """A ZRTP packet (RFC 6189 section 5): a message of so many words, all zero behind its type, and CRC-32C."""
        packet = struct.pack('>BBH4sI', 0x10, 0, words, b'ZRTP', 1)
        packet += struct.pack('>HH', 0x505a, words) + kind + bytes(4 * words - 12)
        crc = 0xffffffff
        for octet in packet:
            crc ^= octet
            for _ in range(8):
                crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
        return packet + struct.pack('<I', crc ^ 0xffffffff)

    def zrtp(self, packets):
        return call_view.Zrtp(self.pcap([(40000, packet) for packet in packets]), RTP_PORTS)

    def test_good(self):
        zrtp = self.zrtp([self.message(b'Commit  ', 29), self.message(b'Conf2ACK', 3)])
        self.assertTrue(zrtp.good, zrtp)
        self.assertEqual(zrtp.types, {'Commit': 1, 'Conf2ACK': 1})

    def test_bad(self):
        broken = bytearray(self.message(b'Conf2ACK', 3))
        broken[-1] ^= 1
        zrtp = self.zrtp([self.message(b'Commit  ', 29), bytes(broken)])
        self.assertEqual(zrtp.bad, 1)
        self.assertFalse(zrtp.good)

    def test_none(self):
        zrtp = self.zrtp([self.rtp(self.random(160))])
        self.assertFalse(zrtp.good)
        self.assertIn('NO ZRTP', str(zrtp))

    def test_unfinished(self):
        self.assertFalse(self.zrtp([self.message(b'Commit  ', 29)]).good)


def main():
    """Runs everything and prints TAP."""
    def tests(suite):
        for test in suite:
            if isinstance(test, unittest.TestSuite):
                yield from tests(test)
            else:
                yield test

    chosen = list(tests(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])))
    print(f'1..{len(chosen)}')
    failed = 0
    for number, test in enumerate(chosen, 1):
        result = test.run(unittest.TestResult())
        problems = result.failures + result.errors
        skipped = f' # SKIP {result.skipped[0][1]}' if result.skipped else ''
        print(f'{"not ok" if problems else "ok"} {number} {test.id().split(".", 1)[1]}{skipped}')
        for _, text in problems:
            print('# ' + text.replace('\n', '\n# '))
        failed += bool(problems)
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
