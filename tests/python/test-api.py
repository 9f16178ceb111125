#!/usr/bin/python3
"""The introspected library: sessions and streams driven by hand, caches, errors.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import unittest

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstZrtp', '1.0')
from gi.repository import GLib, GObject, Gst, GstZrtp

import tap

Gst.init(None)


class End:
    """One end of a call without a pipeline."""

    def __init__(self, cache=None, **settings):
        self.session = GstZrtp.Session(**settings)
        self.session.props.cache = cache
        self.stream = self.session.get_stream('audio')
        self.secure, self.failed, self.warnings, self.keys = [], [], [], []
        self.session.connect('secure', lambda s, stream, details: self.secure.append(
            {details.nth_field_name(i): details.get_value(details.nth_field_name(i))
             for i in range(details.n_fields())}))
        self.session.connect('failed', lambda s, stream, code, text, by_peer: self.failed.append((code, text)))
        self.session.connect('warning', lambda s, stream, code, text: self.warnings.append(code))
        self.stream.connect('send-key', lambda stream: self.keys.append(stream.take_send_key()))
        self.stream.connect('receive-key', lambda stream: self.keys.append(stream.take_receive_key()))

    def packets(self):
        while (packet := self.stream.poll_packet()) is not None:
            yield packet.get_data()


def talk(a, b, now=1):
    """Everything that the two have to say to each other, without loss."""
    a.stream.start(now)
    b.stream.start(now)
    busy = True
    while busy:
        busy = False
        for here, there in ((a, b), (b, a)):
            for packet in here.packets():
                there.stream.handle_packet(packet, now)
                busy = True


class PythonCache(GObject.Object, GstZrtp.Cache):
    """A cache as an application would write it."""

    def __init__(self, zid):
        super().__init__()
        self.zid, self.records, self.broken, self.stream = zid, {}, False, None

    def do_get_zid(self, local_uri, peer_uri):
        return GLib.Bytes.new(self.zid)

    def do_lookup(self, zid, peer_zid):
        if self.stream:
            self.stream.stop()
        return True, self.records.get(peer_zid.get_data(), [])

    def do_update(self, zid, peer_zid, change):
        if self.broken:
            raise GLib.Error('no space left', 'test', 1)
        self.records[peer_zid.get_data()] = change.apply(self.records.get(peer_zid.get_data(), []))
        return True

    def do_list(self, after, limit):
        def key(record):
            p = record.props
            return p.zid.get_data(), p.peer_zid.get_data(), p.local_uri, p.peer_uri

        everything = sorted((record for records in self.records.values() for record in records), key=key)
        return [record for record in everything if after is None or key(record) > key(after)][:limit]

    def do_list_zids(self):
        return [GstZrtp.Record(zid=GLib.Bytes.new(self.zid))]

    def do_set_zid(self, local_uri, peer_uri, zid):
        self.zid = zid.get_data()
        return True


def odd_cache(name, methods):
    """A cache that does some things in another way than PythonCache, or, with None, not at all. A class of its own: subclasses
    of PythonCache would change what that does."""
    def begin(self):
        GObject.Object.__init__(self)
        self.zid, self.records, self.broken, self.stream = b'alice alice ', {}, False, None

    good = {method: getattr(PythonCache, method) for method in ('do_get_zid', 'do_lookup', 'do_update')}
    methods = {**good, **methods, '__init__': begin}
    return type(name, (GObject.Object, GstZrtp.Cache), {n: m for n, m in methods.items() if m})()


class Api(unittest.TestCase):
    def test_call(self):
        a, b = End(), End()
        talk(a, b)
        self.assertEqual(a.stream.get_state(), GstZrtp.State.SECURE)
        self.assertEqual(a.session.props.sas, b.session.props.sas)
        self.assertEqual(len(a.session.props.sas), 4)
        self.assertEqual(a.secure[0]['sas'], a.session.props.sas)
        self.assertEqual({a.secure[0]['role'], b.secure[0]['role']}, {'initiator', 'responder'})
        self.assertEqual(sorted(k.get_data() for k in a.keys), sorted(k.get_data() for k in b.keys))
        self.assertEqual(len(a.keys[0].get_data()), 16 + 14)
        stats = a.stream.props.stats
        self.assertEqual(stats.get_string('state'), 'secure')
        self.assertGreater(stats.get_uint64('zrtp-sent')[1], 3)

    def test_algorithms(self):
        a = End(key_agreements='EC25', hashes='S384', ciphers='AES3', auth_tags='HS32', sas_types='B256')
        b = End(key_agreements='EC25', hashes='S384', ciphers='AES3', auth_tags='HS32', sas_types='B256')
        talk(a, b)
        self.assertEqual([b.secure[0][k] for k in ('key-agreement', 'hash', 'cipher', 'auth-tag', 'sas-type')],
                         ['EC25', 'S384', 'AES3', 'HS32', 'B256'])
        self.assertEqual(len(a.session.props.sas.split(' ')), 2)

    def test_wrong_setting(self):
        a = End(key_agreements='FOO')
        with self.assertRaisesRegex(GLib.Error, 'FOO.*X255, E255, X448, EC25, EC38, EC52, DH3k, DH2k'):
            a.session.check()
        a.stream.start(1)
        self.assertEqual(len(a.failed), 1)
        self.assertIsNone(a.stream.poll_packet())

    def test_hello_hash(self):
        a, b = End(), End()
        self.assertRegex(b.stream.props.hello_hash, '^1.10 [0-9a-f]{64}$')
        a.stream.props.peer_hello_hash = b.stream.props.hello_hash
        talk(a, b)
        self.assertTrue(a.secure)

        a, b = End(), End()
        a.stream.props.peer_hello_hash = '1.10 ' + 64 * '0'
        talk(a, b)
        self.assertFalse(a.secure)
        self.assertEqual(a.warnings, [GstZrtp.Warning.HELLO_HASH_MISMATCH])

    def test_export_key(self):
        a, b = End(), End()
        with self.assertRaises(GLib.Error):
            a.session.export_key('chat', 16)
        self.assertIsNone(a.session.get_sas_hash())
        talk(a, b)
        self.assertEqual(a.session.export_key('chat', 32).get_data(), b.session.export_key('chat', 32).get_data())
        self.assertEqual(len(a.session.get_sas_hash().get_data()), 32)
        with self.assertRaises(GLib.Error):
            a.session.export_key('chat', 1000)

    def test_memory_cache(self):
        caches = GstZrtp.MemoryCache.new(), GstZrtp.MemoryCache.new()
        for call in range(2):
            a, b = End(caches[0]), End(caches[1])
            talk(a, b)
            self.assertEqual(a.secure[0]['sas-verified'], call == 1)
            a.session.verify_sas(True)
            b.session.verify_sas(True)
            self.assertTrue(a.session.props.sas_verified)

    def test_python_cache(self):
        caches = PythonCache(b'alice alice '), PythonCache(b'bob bob bob ')
        for call in range(2):
            a, b = End(caches[0]), End(caches[1])
            talk(a, b)
            self.assertEqual(a.secure[0]['peer-zid'], b'bob bob bob '.hex())
            self.assertFalse(a.secure[0]['cache-mismatch'])
        record, = caches[0].records[b'bob bob bob ']
        self.assertEqual(len(record.props.rs1.get_data()), 32)
        self.assertNotEqual(record.props.rs1.get_data(), record.props.rs2.get_data())

        caches[1].records.clear()
        a, b = End(caches[0]), End(caches[1])
        talk(a, b)
        self.assertTrue(a.secure[0]['cache-mismatch'])
        self.assertEqual(a.warnings, [GstZrtp.Warning.CACHE_MISMATCH])

    def test_all_of_python_cache(self):
        """What the user does with peers, on a cache that an application wrote."""
        cache = PythonCache(b'alice alice ')
        for peer in range(5):
            a, b = End(cache, peer_uri=f'sip:{peer}', peer_name=f'Peer {peer}'), End(PythonCache(b'bob bob %4d' % peer))
            talk(a, b)
        names, last = [], None
        while page := cache.list(last, 2):
            self.assertLessEqual(len(page), 2)
            names += [record.props.name for record in page]
            last = page[-1]
        self.assertEqual(names, [f'Peer {peer}' for peer in range(5)])

        record = cache.list(None, 1)[0]
        self.assertTrue(cache.verify(record, True))
        self.assertTrue(cache.list(None, 1)[0].props.sas_verified)
        self.assertTrue(cache.rename(record, 'Carol'))
        self.assertEqual(cache.list(None, 1)[0].props.name, 'Carol')
        self.assertFalse(cache.list(None, 1)[0].props.sas_verified)
        self.assertTrue(cache.forget(record))
        self.assertEqual([r.props.name for r in cache.list(None, 9)], names[1:])
        record.props.expires = 1
        self.assertTrue(cache.put(record))
        self.assertEqual(len(cache.list(None, 9)), 4)
        record = cache.list(None, 1)[0]
        cache.records[record.props.peer_zid.get_data()][0].props.expires = 1
        self.assertEqual(tuple(cache.expire()), (True, 1))
        self.assertEqual(len(cache.list(None, 9)), 3)
        self.assertEqual(cache.list_zids()[0].props.zid.get_data(), b'alice alice ')
        self.assertTrue(cache.set_zid(None, None, GLib.Bytes.new(b'carol carol ')))
        self.assertEqual(cache.get_zid(None, None).get_data(), b'carol carol ')

    def test_broken_cache(self):
        """The call comes about all the same, and the user is told."""
        cache = PythonCache(b'alice alice ')
        cache.broken = True
        a, b = End(cache), End(GstZrtp.MemoryCache.new())
        talk(a, b)
        self.assertTrue(a.secure)
        self.assertEqual(a.warnings, [GstZrtp.Warning.CACHE])

    def test_odd_caches(self):
        """What an application's cache does wrong, or does not do, is no unknown peer and no crash."""
        def fail(*arguments):
            raise OSError('the disk is gone')

        odd = [{}, {'do_get_zid': None}, {'do_get_zid': lambda *a: None}, {'do_get_zid': fail},
               {'do_get_zid': lambda *a: GLib.Bytes.new(b'short')}, {'do_lookup': None}, {'do_lookup': fail},
               {'do_lookup': lambda *a: None}, {'do_lookup': lambda *a: (True, [None])},
               {'do_lookup': lambda *a: (False, [])}, {'do_lookup': lambda *a: []}, {'do_update': None},
               {'do_update': fail}, {'do_update': lambda *a: False}, {'do_update': lambda *a: None}]
        for number, methods in enumerate(odd):
            cache = odd_cache(f'OddCache{number}', methods)
            with self.subTest(number):
                with open(os.devnull, 'w') as sys.stderr:   # PyGObject prints what was raised
                    a, b = End(cache), End(GstZrtp.MemoryCache.new())
                    talk(a, b)
                sys.stderr = sys.__stderr__
                self.assertTrue(a.secure)
                self.assertEqual(a.warnings, [GstZrtp.Warning.CACHE] if number else [])
                for call in (lambda: cache.list(None, 5), cache.list_zids, cache.expire,
                             lambda: cache.set_zid(None, None, GLib.Bytes.new(b'carol carol '))):
                    self.assertRaisesRegex(GLib.Error, 'cannot do that', call)

    def test_odd_lists(self):
        def everything(self, after, limit):
            return [record for records in self.records.values() for record in records]

        def apply_to_nothing_too(self, zid, peer_zid, change):
            self.records[peer_zid.get_data()] = change.apply([None] + self.records.get(peer_zid.get_data(), []))
            return True

        for name, methods, text in (
                ('Again', {'do_list': everything}, 'same records again'),
                ('Nothing', {'do_list': lambda *a: [None], 'do_update': apply_to_nothing_too}, 'no record')):
            cache = odd_cache(name, methods)
            a, b = End(cache), End(GstZrtp.MemoryCache.new())
            talk(a, b)
            self.assertEqual(sum(map(len, cache.records.values())), 1)
            self.assertRaisesRegex(GLib.Error, text, cache.expire)

    def test_stop_in_lookup(self):
        """An application's cache may end the call while it is asked."""
        cache = PythonCache(b'alice alice ')
        a, b = End(cache), End()
        cache.stream = a.stream
        talk(a, b)
        self.assertEqual(a.stream.get_state(), GstZrtp.State.IDLE)
        self.assertFalse(a.secure)

    def test_no_answer(self):
        a = End()
        now = 0
        a.stream.start(now)
        sent = 0
        while not a.warnings:
            sent += len(list(a.packets()))
            now = a.stream.get_next_timeout()
            a.stream.handle_timeout(now)
        self.assertEqual(a.warnings, [GstZrtp.Warning.NO_ANSWER])
        self.assertEqual(sent, 21)

    def test_misuse(self):
        """A clear TypeError, never a crash."""
        a = End()
        for call in (lambda: a.session.get_stream(None), lambda: a.session.get_stream(5),
                     lambda: a.stream.handle_packet('text', 'now'), lambda: a.session.export_key(None, 5),
                     lambda: a.session.verify_sas(), lambda: GstZrtp.message_parse_secure('message'),
                     lambda: setattr(a.session.props, 'policy', 'perhaps'),
                     lambda: setattr(a.session.props, 'cache', 'memory')):
            with self.assertRaises(TypeError):
                call()
        self.assertFalse(a.stream.handle_packet(b'', 1))
        self.assertFalse(GstZrtp.packet_is_zrtp(b''))

    def test_messages(self):
        bin_ = Gst.Bin.new(None)
        structure = Gst.Structure.new_from_string(
            'zrtp-secure, sas=(string)ab1y, sas-type=(string)B32, sas-verified=true, cache-mismatch=false')
        message = Gst.Message.new_element(bin_, structure)
        self.assertEqual(tuple(GstZrtp.message_parse_secure(message)), (True, 'ab1y', 'B32', True, False))
        self.assertFalse(GstZrtp.message_parse_failed(message)[0])
        structure = Gst.Structure.new_from_string(
            'zrtp-secure, peer-zid=(string)00, peer-name=(string)Bob, peer-uri=(string)"sip:b", known-as=(string)Carol')
        peer = GstZrtp.message_parse_secure_peer(Gst.Message.new_element(bin_, structure))
        self.assertEqual(tuple(peer), (True, '00', 'Bob', 'sip:b', 'Carol'))
        self.assertFalse(GstZrtp.message_parse_secure_peer(Gst.Message.new_eos(bin_))[0])
        message = Gst.Message.new_element(bin_, Gst.Structure.new_from_string('zrtp-state, state=(string)secure'))
        self.assertEqual(tuple(GstZrtp.message_parse_state(message)), (True, GstZrtp.State.SECURE))


if __name__ == '__main__':
    tap.main()
