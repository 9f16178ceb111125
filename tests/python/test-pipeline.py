#!/usr/bin/python3
"""Whole pipelines from Python: calls over UDP sockets on loopback.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import socket
import tempfile
import time
import unittest

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstZrtp', '1.0')
from gi.repository import Gst, GstZrtp

import tap

Gst.init(None)

CAPS = 'application/x-rtp, media=audio, clock-rate=8000, encoding-name=PCMU, payload=0'
SPEAK = 'audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay'


def free_ports(n):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(n)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Phone:
    """One side of a call; `zrtp` are the properties of its elements, None for one that speaks no ZRTP."""

    def __init__(self, local, remote, zrtp='', speak=SPEAK):
        source = f'udpsrc address=127.0.0.1 port={local} caps="{CAPS}"'
        sink = f'udpsink host=127.0.0.1 port={remote} sync=false async=false'
        if zrtp is None:
            text = f'{speak} ! {sink}  {source} ! rtppcmudepay ! fakesink name=heard sync=false'
        else:
            text = (f'zrtpenc name=enc connection-id={local} {zrtp}  zrtpdec name=dec connection-id={local} '
                    f'{speak} ! enc.rtp_sink_0  enc.rtp_src_0 ! {sink} '
                    f'{source} ! dec.rtp_sink  dec.rtp_src ! rtppcmudepay ! fakesink name=heard sync=false')
        self.pipeline = Gst.parse_launch(text)
        self.messages = []
        self.heard = 0
        self.pipeline.get_by_name('heard').get_static_pad('sink').add_probe(Gst.PadProbeType.BUFFER, self.on_heard)

    def on_heard(self, pad, info):
        self.heard += 1
        return Gst.PadProbeReturn.OK

    def __enter__(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        return self

    def __exit__(self, *unused):
        self.pipeline.set_state(Gst.State.NULL)

    def poll(self):
        while (message := self.pipeline.bus.pop()) is not None:
            self.messages.append(message)

    def named(self, name):
        self.poll()
        return [m for m in self.messages if m.get_structure() and m.get_structure().get_name() == name]

    def errors(self):
        self.poll()
        return [m.parse_error() for m in self.messages if m.type == Gst.MessageType.ERROR]


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


class Pipeline(unittest.TestCase):
    def test_call(self):
        p, q = free_ports(2)
        with Phone(p, q) as alice, Phone(q, p) as bob:
            self.assertTrue(wait_for(lambda: alice.named('zrtp-secure') and bob.named('zrtp-secure')))
            sas = [GstZrtp.message_parse_secure(phone.named('zrtp-secure')[0]) for phone in (alice, bob)]
            self.assertTrue(sas[0][0])
            self.assertEqual(sas[0][1], sas[1][1])
            self.assertTrue(wait_for(lambda: alice.heard > 50 and bob.heard > 50))
            enc, dec = (alice.pipeline.get_by_name(name) for name in ('enc', 'dec'))
            for hand in enc, dec:
                self.assertEqual(hand.props.state, GstZrtp.State.SECURE)
                self.assertEqual(hand.props.sas, sas[0][1])
            self.assertEqual(enc.props.session, dec.props.session)
            self.assertEqual(enc.props.stream, dec.props.stream)
            enc.props.session.verify_sas(True)
            self.assertTrue(wait_for(lambda: alice.named('zrtp-sas-verified')))
            self.assertTrue(dec.props.sas_verified)
            self.assertEqual(enc.props.stats.get_string('key-agreement'), 'X255')
            self.assertFalse(alice.errors() + bob.errors())

    def test_second_call(self):
        """The same pipelines again, through READY and through NULL: other keys, another SAS."""
        p, q = free_ports(2)
        sas = []
        alice, bob = Phone(p, q), Phone(q, p)
        for state in (Gst.State.READY, Gst.State.NULL, Gst.State.NULL):
            for phone in (alice, bob):
                phone.messages.clear()
                phone.pipeline.set_state(Gst.State.PLAYING)
            self.assertTrue(wait_for(lambda: alice.named('zrtp-secure') and bob.named('zrtp-secure')))
            heard = bob.heard
            self.assertTrue(wait_for(lambda: bob.heard > heard + 20))
            pair = [GstZrtp.message_parse_secure(phone.named('zrtp-secure')[0]).sas for phone in (alice, bob)]
            self.assertEqual(pair[0], pair[1])
            sas.append(pair[0])
            for phone in (alice, bob):
                phone.pipeline.set_state(state)
        self.assertEqual(len(set(sas)), 3)

    def test_next_call(self):
        """Two calls on the same files: the second knows the first, and who the peer is."""
        with tempfile.TemporaryDirectory() as folder:
            for call in range(2):
                p, q = free_ports(2)
                with Phone(p, q, f'cache-location={folder}/alice local-uri=sip:alice peer-uri=sip:bob '
                                 'peer-name="Bob on his phone"') as alice, \
                        Phone(q, p, f'cache-location={folder}/bob local-uri=sip:bob peer-uri=sip:alice') as bob:
                    self.assertTrue(wait_for(lambda: alice.named('zrtp-secure') and bob.named('zrtp-secure')))
                    secure = alice.named('zrtp-secure')[0]
                    self.assertEqual(GstZrtp.message_parse_secure(secure).sas_verified, call == 1)
                    peer = GstZrtp.message_parse_secure_peer(secure)
                    self.assertEqual(peer.peer_name, 'Bob on his phone' if call else '')
                    self.assertEqual((peer.peer_uri, peer.known_as), ('sip:bob', ''))
                    self.assertFalse(alice.named('zrtp-warning') + bob.named('zrtp-warning'))
                    for phone in (alice, bob):
                        phone.pipeline.get_by_name('enc').props.session.verify_sas(True)

    def test_unusable_cache(self):
        """It is said on the bus, and the call goes on without."""
        with tempfile.TemporaryDirectory() as folder:
            p, q = free_ports(2)
            with Phone(p, q, f'cache-location={folder}/missing/alice') as alice, \
                    Phone(q, p, f'cache-location={folder}/bob') as bob:
                self.assertTrue(wait_for(lambda: alice.named('zrtp-secure') and bob.named('zrtp-secure')))
                warning, = alice.named('zrtp-warning')
                self.assertEqual(GstZrtp.message_parse_warning(warning).code, GstZrtp.Warning.CACHE)
                self.assertIn(f'{folder}/missing', GstZrtp.message_parse_warning(warning).text)
                self.assertTrue(wait_for(lambda: alice.heard > 20 and bob.heard > 20))
                self.assertFalse(alice.errors() + bob.errors() + bob.named('zrtp-warning'))

    def test_one_cache_for_both_ends(self):
        p, q = free_ports(2)
        with tempfile.TemporaryDirectory() as folder:
            with Phone(p, q, f'cache-location={folder}/one') as alice, \
                    Phone(q, p, f'cache-location={folder}/one'):
                self.assertTrue(wait_for(lambda: alice.named('zrtp-failed')))
                failed = GstZrtp.message_parse_failed(alice.named('zrtp-failed')[0])
                self.assertEqual(failed.code, 0x90)
                self.assertIn('GST_ZRTP_CACHE', failed.text)

    def test_no_zrtp_required(self):
        p, q = free_ports(2)
        with Phone(p, q) as alice, Phone(q, p, zrtp=None) as plain:
            self.assertTrue(wait_for(lambda: alice.named('zrtp-warning')))
            self.assertEqual(GstZrtp.message_parse_warning(alice.named('zrtp-warning')[0]).code,
                             GstZrtp.Warning.NO_ANSWER)
            self.assertEqual((alice.heard, plain.heard), (0, 0))
            self.assertFalse(alice.errors())

    def test_no_zrtp_best_effort(self):
        p, q = free_ports(2)
        with Phone(p, q, 'policy=best-effort') as alice, Phone(q, p, zrtp=None) as plain:
            self.assertTrue(wait_for(lambda: alice.heard > 20 and plain.heard > 20))
            self.assertTrue(wait_for(lambda: alice.named('zrtp-warning')))
            self.assertFalse(alice.errors())

    def test_wrong_setting(self):
        p, q = free_ports(2)
        with Phone(p, q, 'key-agreements=FOO') as alice:
            self.assertTrue(wait_for(alice.errors))
            text = alice.errors()[0].gerror.message + alice.errors()[0].debug
            for word in ('key-agreements', 'FOO', 'X255', 'DH3k'):
                self.assertIn(word, text)

    def test_no_common_policy(self):
        """Only the mandatory types in common: they are always there."""
        p, q = free_ports(2)
        with Phone(p, q, 'key-agreements=X255 ciphers=AES3') as alice, Phone(q, p, 'key-agreements=EC25') as bob:
            self.assertTrue(wait_for(lambda: alice.named('zrtp-secure') and bob.named('zrtp-secure')))
            self.assertEqual(alice.pipeline.get_by_name('enc').props.stats.get_string('key-agreement'), 'DH3k')
            self.assertTrue(wait_for(lambda: alice.heard > 20 and bob.heard > 20))


if __name__ == '__main__':
    tap.main()
