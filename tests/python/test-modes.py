#!/usr/bin/python3
"""All modes of RFC 6189 from Python: calls of several streams driven by hand.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import unittest

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstZrtp', '1.0')
from gi.repository import GLib, GObject, Gst, GstZrtp

import tap

Gst.init(None)

SECOND = 10 ** 9


class End:
    """One end of a call; a log of what its session says."""

    def __init__(self, streams=1, cache=None, **settings):
        self.session = GstZrtp.Session(**settings)
        self.session.props.cache = cache
        self.streams = [self.session.get_stream(str(i)) for i in range(streams)]
        self.said, self.details, self.woken, self.keys = [], {}, set(), {}
        self.session.connect('secure', self.on_secure)
        self.session.connect('clear', lambda s, stream, by_peer, waiting: self.said.append(('clear', by_peer, waiting)))
        self.session.connect('failed', lambda s, stream, code, text, by_peer: self.said.append(('failed', code)))
        self.session.connect('warning', lambda s, stream, code, text: self.said.append(('warning', code.value_nick)))
        self.session.connect('enrollment', lambda s, stream, zid, name: self.said.append(('enrollment', zid)))
        self.session.connect('sas-relayed', lambda s, stream, sas, sas_type, relayed, verified, disclosure:
                             self.said.append(('relayed', sas, relayed)))
        for stream in self.streams:
            stream.connect('wake-up', self.woken.add)
            stream.connect('send-key', lambda stream: self.keys.update({stream: stream.take_send_key().get_data()}))
            stream.connect('drop-keys', lambda stream: self.keys.pop(stream, None))
            stream.connect('pingack', lambda stream, endpoint, ssrc: self.said.append(('pingack', ssrc)))

    def on_secure(self, session, stream, details):
        fields = [details.nth_field_name(i) for i in range(details.n_fields())]
        self.details[stream] = {field: details.get_value(field) for field in fields}
        self.said.append(('secure', details.get_string('mode')))

    def field(self, name, index=0):
        return self.details[self.streams[index]][name]

    def hear(self):
        said, self.said = self.said, []
        return said

    def states(self):
        return {stream.get_state().value_nick for stream in self.streams}


class Call:
    """Two ends, the wire between them, and the time."""

    def __init__(self, a, b):
        self.ends, self.now = (a, b), SECOND

    def settle(self):
        busy = True
        while busy:
            busy = False
            for end, other in (self.ends, self.ends[::-1]):
                for here, there in zip(end.streams, other.streams):
                    if here in end.woken:
                        end.woken.remove(here)
                        here.handle_timeout(self.now)
                        busy = True
                    while (packet := here.poll_packet()) is not None:
                        there.handle_packet(packet.get_data(), self.now)
                        busy = True

    def run(self, seconds=2):
        end = self.now + int(seconds * SECOND)
        streams = self.ends[0].streams + self.ends[1].streams
        self.settle()
        while (now := min(stream.get_next_timeout() for stream in streams)) <= end:
            self.now = max(self.now, now)
            for stream in streams:
                if stream.get_next_timeout() <= self.now:
                    stream.handle_timeout(self.now)
            self.settle()
        self.now = end

    def talk(self):
        for end in self.ends:
            for stream in end.streams:
                stream.start(self.now)
        self.run()
        return self


class PythonCache(GObject.Object, GstZrtp.Cache):
    """A cache as an application would write it: plain data in a dictionary."""

    def __init__(self, zid):
        super().__init__()
        self.zid, self.records = zid, {}

    def do_get_zid(self, local_uri, peer_uri):
        return GLib.Bytes.new(self.zid)

    def do_lookup(self, zid, peer_zid):
        return True, [self.thaw(self.records[peer_zid.get_data()])] if peer_zid.get_data() in self.records else []

    def do_update(self, zid, peer_zid, change):
        records = change.apply(self.do_lookup(zid, peer_zid)[1])
        self.records.pop(peer_zid.get_data(), None)
        for record in records:
            self.records[peer_zid.get_data()] = self.freeze(record)
        return True

    @staticmethod
    def thaw(kept):
        record = GstZrtp.Record.new()
        for name, value in kept.items():
            record.set_property(name, GLib.Bytes.new(value) if isinstance(value, bytes) else value)
        return record

    @staticmethod
    def freeze(record):
        kept = {}
        for spec in record.list_properties():
            value = record.get_property(spec.name)
            if value is not None:
                kept[spec.name] = value.get_data() if isinstance(value, GLib.Bytes) else value
        return kept


def caches():
    return PythonCache(b'alice alice '), PythonCache(b'bob bob bob ')


class Modes(unittest.TestCase):
    def test_audio_and_video(self):
        a, b = End(2), End(2)
        Call(a, b).talk()
        self.assertEqual(a.hear(), [('secure', 'dh'), ('secure', 'multistream')])
        self.assertEqual(a.field('sas', 0), a.field('sas', 1))
        self.assertEqual(a.session.props.sas, b.session.props.sas)
        self.assertEqual(len(set(a.keys.values()) | set(b.keys.values())), 4)

    def test_clear_mode(self):
        a, b = End(2, allow_clear=True), End(2, allow_clear=True)
        call = Call(a, b).talk()
        before = dict(a.keys)
        a.hear(), b.hear()
        self.assertTrue(a.field('peer-allows-clear'))
        self.assertTrue(a.session.go_clear())
        call.run()
        self.assertEqual((a.hear(), b.hear()), ([('clear', False, False)] * 2, [('clear', True, True)] * 2))
        self.assertEqual((a.states(), b.states(), a.keys, b.keys), ({'clear'}, {'negotiating'}, {}, {}))
        self.assertTrue(b.session.accept_clear(True))
        call.run()
        self.assertEqual((b.hear(), b.states()), ([('clear', True, False)] * 2, {'clear'}))
        self.assertTrue(b.session.go_secure())
        call.run()
        self.assertEqual(a.hear(), [('secure', 'multistream')] * 2)
        self.assertFalse(set(before.values()) & set(a.keys.values()))

    def test_clear_mode_refused(self):
        a, b = End(allow_clear=True), End(allow_clear=True)
        call = Call(a, b).talk()
        a.session.go_clear()
        call.run()
        b.session.accept_clear(False)
        call.run()
        self.assertEqual(a.hear(), [('secure', 'dh'), ('clear', False, False), ('secure', 'multistream')])

    def test_clear_mode_not_allowed(self):
        a, b = End(), End(allow_clear=True)
        for attempt in range(2):
            for end in (a, b):
                with self.assertRaisesRegex(GLib.Error, 'both ends must have set allow-clear') as caught:
                    end.session.go_clear()
                self.assertTrue(caught.exception.matches(Gst.LibraryError.quark(), Gst.LibraryError.SETTINGS))
                for wrong in (lambda: end.session.accept_clear(True), end.session.go_secure):
                    with self.assertRaisesRegex(GLib.Error, 'not in clear mode'):
                        wrong()
            Call(a, b).talk()

    def test_preshared(self):
        alice, bob = caches()
        modes = []
        for _ in range(4):
            a, b = End(2, alice, allow_preshared=True), End(2, bob, allow_preshared=True)
            Call(a, b).talk()
            modes.append(a.field('mode'))
            a.session.verify_sas(True)
            b.session.verify_sas(True)
        self.assertEqual(modes, ['dh', 'dh', 'preshared', 'preshared'])
        self.assertEqual(alice.records[bob.zid]['preshared-calls'], 2)
        self.assertTrue(a.field('sas-verified'))

    def test_two_calls_with_a_cache(self):
        """A cache written in Python is asked and told; the second call knows of the first."""
        alice, bob = caches()
        for number in range(2):
            a, b = End(2, alice), End(2, bob)
            Call(a, b).talk()
            self.assertFalse(a.field('cache-mismatch'))
            self.assertEqual(a.field('sas-verified'), number == 1)
            self.assertEqual(a.field('peer-zid'), bob.zid.hex())
            a.session.verify_sas(True)
            b.session.verify_sas(True)
            self.assertEqual(alice.records[bob.zid]['rs1'], bob.records[alice.zid]['rs1'])
            self.assertTrue(alice.records[bob.zid]['sas-verified'])
        self.assertEqual(alice.records[bob.zid]['rs2'], bob.records[alice.zid]['rs2'])

    def test_expiry(self):
        alice, bob = caches()
        a, b = End(1, alice, cache_expiry=3600), End(1, bob)
        Call(a, b).talk()
        left = bob.records[alice.zid]['expires'] - GLib.get_real_time() // 1000000
        self.assertTrue(3590 <= left <= 3600, left)

    def test_aux_secret(self):
        for ours, theirs, mismatch in ((b'sesame', b'sesame', False), (b'sesame', b'barley', True)):
            a = End(2, aux_secret=GLib.Bytes.new(ours))
            b = End(2, aux_secret=GLib.Bytes.new(theirs))
            Call(a, b).talk()
            self.assertEqual(a.field('aux-mismatch'), mismatch)
            self.assertEqual(('warning', 'aux-mismatch') in a.said, mismatch)
        with self.assertRaises(TypeError):
            a.session.props.aux_secret

    def test_sdes_keys(self):
        keys = [GLib.Bytes.new(bytes([i]) * 30) for i in range(2)]
        a, b = End(), End()
        self.assertTrue(a.session.set_sdes_keys(keys[0], keys[1]))
        self.assertTrue(b.session.set_sdes_keys(keys[1], keys[0]))
        Call(a, b).talk()
        self.assertFalse(a.field('aux-mismatch'))
        with self.assertRaisesRegex(GLib.Error, 'the remote SDES key is 5 octets long'):
            a.session.set_sdes_keys(None, GLib.Bytes.new(b'short'))
        self.assertTrue(a.session.set_sdes_keys(None, None))

    def test_pbx(self):
        """A phone enrols; then the PBX joins it with a stranger, and both users see the same SAS."""
        phone, pbx = caches()
        a, b = End(1, phone, accept_enrollment=True), End(1, pbx, mitm=True, enroll=True)
        with self.assertRaisesRegex(GLib.Error, 'no PBX asks to be trusted'):
            a.session.accept_enrollment(True)
        Call(a, b).talk()
        self.assertIn(('enrollment', pbx.zid.hex()), a.said)
        self.assertNotIn('pbx-secret', phone.records[pbx.zid])
        self.assertTrue(a.session.accept_enrollment(True))
        self.assertEqual(phone.records[pbx.zid]['pbx-secret'], pbx.records[phone.zid]['pbx-secret'])

        a, left = End(1, phone), End(1, pbx, mitm=True)
        right, stranger = End(1, mitm=True), End(1)
        with self.assertRaisesRegex(GLib.Error, 'both calls must be secure'):
            left.session.relay_sas(right.session)
        legs = Call(a, left).talk(), Call(right, stranger).talk()
        self.assertTrue(a.field('enrolled'))
        self.assertNotEqual(a.session.props.sas, stranger.session.props.sas)
        self.assertTrue(left.session.relay_sas(right.session))
        for leg in legs:
            leg.run()
        self.assertEqual(a.hear()[-1], ('relayed', stranger.session.props.sas, True))
        self.assertEqual(a.session.props.sas, stranger.session.props.sas)
        self.assertEqual(stranger.hear()[-1], ('relayed', stranger.session.props.sas, False))
        with self.assertRaisesRegex(GLib.Error, 'one and the same'):
            left.session.relay_sas(left.session)
        with self.assertRaises(TypeError):
            left.session.relay_sas(None)

    def test_signalling(self):
        a, b = End(signalling_integrity=True), End(signalling_integrity=True)
        self.assertEqual(a.streams[0].get_hello_hashes(), [a.streams[0].props.hello_hash])
        a.streams[0].props.peer_hello_hash = b.streams[0].get_hello_hashes()[0]
        b.streams[0].props.peer_hello_hash = a.streams[0].get_hello_hashes()[0]
        Call(a, b).talk()
        self.assertTrue(a.field('signalling-integrity') and b.field('signalling-integrity'))

    def test_disclosure(self):
        a, b = End(2, disclosure=True), End(2)
        Call(a, b).talk()
        self.assertEqual([b.field('peer-disclosure', 1), a.field('peer-disclosure')], [True, False])

    def test_restart(self):
        alice, bob = caches()
        a, b = End(2, alice), End(2, bob)
        call = Call(a, b).talk()
        sas = a.session.props.sas
        a.hear()
        for stream in b.streams:
            stream.stop()
        call.talk().run(20)
        self.assertEqual(a.hear(), [('secure', 'dh'), ('secure', 'multistream')])
        self.assertEqual(a.session.props.sas, b.session.props.sas)
        self.assertNotEqual(a.session.props.sas, sas)

    def test_ping(self):
        a, b = End(), End()
        call = Call(a, b).talk()
        a.hear()
        a.streams[0].ping(call.now)
        call.settle()
        self.assertEqual(a.hear(), [('pingack', a.streams[0].props.ssrc)])

    def test_misuse(self):
        """A clear TypeError or GLib.Error, never a crash."""
        session, stream = GstZrtp.Session.new(), GstZrtp.Stream()
        self.assertEqual(stream.get_state(), GstZrtp.State.IDLE)
        self.assertIsNotNone(stream.get_session())
        for call in (session.accept_clear, lambda: session.relay_sas('other'), lambda: session.set_sdes_keys(5, None),
                     lambda: session.set_sdes_keys('text', None), lambda: setattr(session.props, 'aux_secret', 'text'),
                     lambda: setattr(session.props, 'cache_expiry', 'long'), lambda: stream.ping(None),
                     lambda: setattr(GstZrtp.Record.new().props, 'pbx_secret', 5)):
            with self.assertRaises(TypeError):
                call()
        for call in (session.go_clear, session.go_secure, lambda: session.accept_clear(True),
                     lambda: session.accept_enrollment(False), lambda: session.relay_sas(GstZrtp.Session.new())):
            with self.assertRaises(GLib.Error):
                call()

    def test_messages(self):
        bin_ = Gst.Bin.new(None)
        for text, parse, result in (
                ('zrtp-clear, by-peer=true, waiting=false', GstZrtp.message_parse_clear, (True, True, False)),
                ('zrtp-enrollment, peer-zid=(string)00ff, peer-name=(string)x', GstZrtp.message_parse_enrollment,
                 (True, '00ff', 'x')),
                ('zrtp-sas-relayed, sas=(string)ab1y, sas-type=(string)B32, relayed=true',
                 GstZrtp.message_parse_sas_relayed, (True, 'ab1y', 'B32', True))):
            message = Gst.Message.new_element(bin_, Gst.Structure.new_from_string(text))
            self.assertEqual(tuple(parse(message)), result)
            self.assertFalse(GstZrtp.message_parse_failed(message)[0])


if __name__ == '__main__':
    tap.main()
