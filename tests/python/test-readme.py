#!/usr/bin/python3
"""The snippets of README.md on several streams, clear mode, caches, secrets, signalling and PBX, run line by
line as they stand there.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import importlib.util
import pathlib
import re
import tempfile
import unittest

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstZrtp', '1.0')
from gi.repository import GLib, Gst, GstZrtp

import tap

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent.parent / 'README.md'


def load(name):
    spec = importlib.util.spec_from_file_location(name.replace('-', '_'), HERE / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


modes, pipelines = load('test-modes'), load('test-pipeline')


def snippets(heading):
    """The indented blocks under a heading of the third level."""
    text = re.search(rf'^### {re.escape(heading)}\n(.*?)(?=^##)', README.read_text(), re.M | re.S).group(1)
    blocks = re.findall(r'(?:^    .*\n(?:\n(?=    ))?)+', text, re.M)
    return [''.join(line[4:] or '\n' for line in block.splitlines(True)) for block in blocks]


class Readme(unittest.TestCase):
    def play(self, snippet, names, *calls):
        """Each line, then what it brings about; a comment line says when the calls begin."""
        names = {'GLib': GLib, 'GstZrtp': GstZrtp, **names}
        for line in snippet.splitlines():
            if 'call is secure' in line:
                for call in calls:
                    for end in call.ends:
                        for stream in end.streams:
                            stream.stop()
                        end.hear()
                    call.talk()
                    for end in call.ends:
                        self.assertEqual(end.states(), {'secure'})
            exec(line, names)
            for call in calls:
                if call.ends[0].states() != {'idle'}:
                    call.run()
        return names

    def two(self):
        alice, bob = modes.End(2), modes.End(2)
        return alice, bob, {'alice': alice.session, 'bob': bob.session}, modes.Call(alice, bob)

    def test_several_streams(self):
        snippet, = snippets('Several streams')
        ports = pipelines.free_ports(4)
        phones = []
        for me, (local_audio, local_video), (remote_audio, remote_video) in (
                ('alice', ports[:2], ports[2:]), ('bob', ports[2:], ports[:2])):
            names = {'Gst': Gst, 'me': me, 'host': '127.0.0.1', 'local_audio': local_audio, 'local_video': local_video,
                     'remote_audio': remote_audio, 'remote_video': remote_video}
            exec(snippet, names)
            phones.append(names['pipeline'])
        said = []
        for pipeline in phones:
            pipeline.set_state(Gst.State.PLAYING)

        def secure():
            for pipeline in phones:
                while (message := pipeline.bus.pop()) is not None:
                    self.assertNotEqual(message.type, Gst.MessageType.ERROR)
                    fields = message.get_structure()
                    if fields and fields.get_name() == 'zrtp-secure':
                        said.append((fields.get_string('mode'), fields.get_string('sas')))
            return len(said) == 4

        self.assertTrue(pipelines.wait_for(secure))
        for pipeline in phones:
            pipeline.set_state(Gst.State.NULL)
        self.assertEqual(sorted(mode for mode, sas in said), ['dh', 'dh', 'multistream', 'multistream'])
        self.assertEqual(len({sas for mode, sas in said}), 1)

    def test_clear_mode(self):
        snippet, = snippets('Clear mode')
        alice, bob, names, call = self.two()
        self.play(snippet, names, call)
        self.assertEqual((alice.states(), bob.states()), ({'secure'}, {'secure'}))
        self.assertIn(('clear', True, True), bob.said)
        self.assertIn(('clear', True, False), bob.said)

    def test_next_call(self):
        in_files, in_memory = snippets('The next call')
        alice, bob, names, call = self.two()
        with tempfile.TemporaryDirectory() as folder:
            self.play(in_files, {'file_of_alice': f'{folder}/alice', 'file_of_bob': f'{folder}/bob', **names}, call)
            self.assertEqual(alice.field('peer-name'), 'Bob on his phone')
            self.assertEqual(bob.field('peer-uri'), 'sip:alice@example.com')
        self.play(in_memory, names, call)
        self.play('# the third call is secure', names, call)
        self.assertEqual(alice.said, [('secure', 'preshared'), ('secure', 'multistream')])

    def test_secret_from_elsewhere(self):
        for snippet in snippets('A secret from elsewhere'):
            alice, bob, names, call = self.two()
            self.play(snippet, {'our_key_and_salt': GLib.Bytes.new(bytes(range(30))),
                                'their_key_and_salt': GLib.Bytes.new(bytes(range(30, 60))), **names}, call)
            self.assertFalse(alice.field('aux-mismatch') or bob.field('aux-mismatch'))
            names['alice'].props.aux_secret = GLib.Bytes.new(b'another')
            self.play('# the call is secure', names, call)
            self.assertTrue(alice.field('aux-mismatch'))

    def test_signalling(self):
        snippet, = snippets('Signalling')
        alice, bob = modes.End(), modes.End()
        names = {'alice': alice.session, 'bob': bob.session, 'stream_of_alice': alice.streams[0],
                 'stream_of_bob': bob.streams[0]}
        # a stop would make another Hello
        names = self.play(snippet.replace('# the call is secure', ''), names)
        modes.Call(alice, bob).talk()
        self.assertRegex(names['sdp_line'], '^a=zrtp-hash:1.10 [0-9a-f]{64}$')
        self.assertTrue(bob.field('signalling-integrity'))

    def test_pbx(self):
        enroll, join = snippets('A PBX in the middle')
        caches = modes.caches()
        phone, pbx = modes.End(1, caches[0]), modes.End(1, caches[1])
        self.play(enroll, {'phone': phone.session, 'pbx': pbx.session}, modes.Call(phone, pbx))
        phone, pbx = modes.End(1, caches[0]), modes.End(1, caches[1])
        other_leg, stranger = modes.End(), modes.End()
        self.play(join, {'pbx': pbx.session, 'pbx_to_stranger': other_leg.session}, modes.Call(phone, pbx),
                  modes.Call(other_leg, stranger))
        self.assertEqual(phone.session.props.sas, stranger.session.props.sas)
        self.assertIn(('relayed', stranger.session.props.sas, True), phone.said)

    def test_every_property_and_message(self):
        """What there is, is named."""
        text = README.read_text()
        for spec in Gst.ElementFactory.make('zrtpenc', None).list_properties():
            if spec.owner_type.name == 'GstZrtpBase':
                self.assertIn(f'`{spec.name}`', text)
        for value in GstZrtp.Warning.__enum_values__.values():
            self.assertIn(f'`{value.value_nick}`', text)
        for value in GstZrtp.State.__enum_values__.values():
            self.assertIn(f'`{value.value_nick}`', text)


if __name__ == '__main__':
    tap.main()
