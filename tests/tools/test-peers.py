#!/usr/bin/python3
"""gst-zrtp-peers-1.0 from outside: test-peers.py PROGRAM.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import base64
import fcntl
import hashlib
import importlib.util
import itertools
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
import unittest
import urllib.parse

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstZrtp', '1.0')
from gi.repository import GLib, Gst, GstZrtp

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / 'tests' / 'python'))
import tap

PROGRAM = os.path.abspath(sys.argv.pop(1))
NEVER = GLib.MAXINT64
DAY = 24 * 3600
OURS = bytes.fromhex('00112233445566778899aabb')
ALICE, BOB = 'a11ce' + 19 * '0', 'b0b' + 21 * '0'
# each command with words that fit it, but for those of import
COMMANDS = [['list'], ['show', BOB], ['rename', BOB, 'Bob'], ['verify', BOB], ['unverify', BOB], ['forget', BOB],
            ['expire'], ['export'], ['zid']]


def secret_of(*what):
    return hashlib.sha256(repr(what).encode()).digest()


def record(peer_zid=BOB, zid=OURS, **fields):
    """One with rs1 and whatever else is said."""
    fields = {'rs1': secret_of(peer_zid, fields.get('peer_uri')), 'first_seen': 1700000000, 'last_seen': 1800000000,
              'calls': 2, 'algorithms': 'X255 S256 AES1 GCM B32', **fields}
    made = GstZrtp.Record.new()
    made.props.zid, made.props.peer_zid = GLib.Bytes.new(zid), GLib.Bytes.new(bytes.fromhex(peer_zid))
    for name, value in fields.items():
        made.set_property(name.replace('_', '-'), GLib.Bytes.new(value) if isinstance(value, bytes) else value)
    return made


def plain(made):
    """All properties of a record, to compare."""
    fields = {spec.name: made.get_property(spec.name) for spec in made.list_properties()}
    return {name: value.get_data() if isinstance(value, GLib.Bytes) else value for name, value in fields.items()}


def columns(text):
    """What a terminal makes of it."""
    return sum(0 if unicodedata.combining(c) or unicodedata.category(c) in ('Cf', 'Mn') else
               2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


def word_of(value):
    return value.hex() if isinstance(value, bytes) else urllib.parse.quote(str(value))


def export_text(zids, records, version=1):
    """The file of an export, written by the description of the format alone."""
    lines = [f'gst-zrtp-cache {version}']
    lines += [f'zid zid={zid.hex()} local-uri={local} peer-uri={peer}' for zid, local, peer in zids]
    lines += ['record ' + ' '.join(f'{name}={word_of(value)}' for name, value in fields.items()) for fields in records]
    text = ''.join(line + '\n' for line in lines).encode()
    return text + f'end {len(lines)} {hashlib.sha256(text).hexdigest()}\n'.encode()


def many(n):
    return ({'zid': OURS, 'peer-zid': secret_of(i)[:12], 'name': f'Peer {i}', 'peer-uri': f'sip:{i}@example.org',
             'rs1': secret_of('rs1', i), 'sas-verified': 'yes', 'last-seen': 1800000000} for i in range(n))


class Peers(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None))
        self.addCleanup(shutil.rmtree, self.dir)
        self.path = self.dir / 'cache.sqlite'
        self.env = {name: value for name, value in os.environ.items() if name != 'GST_ZRTP_CACHE'}
        self.env.update(LC_ALL='C.UTF-8', XDG_DATA_HOME=str(self.dir / 'data'), TZ='UTC')

    def start(self, *words, cache=None, **settings):
        words = [f'--cache={cache or self.path}', *words] if cache != '' else words
        settings = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'stdin': subprocess.DEVNULL, **settings}
        return subprocess.Popen([PROGRAM, *words], env=self.env, **settings)

    def run_tool(self, *words, status=0, data=None, **settings):
        if data is not None:
            settings['stdin'] = subprocess.PIPE
        with self.start(*words, **settings) as process:
            out, errors = process.communicate(data)
        self.out, self.errors = (text.decode() if text else '' for text in (out, errors))
        self.assertEqual(process.returncode, status, self.out + self.errors)
        if words[0] not in ('forget', 'rename', 'export'):  # those have something to tell
            self.assertEqual(bool(self.errors), bool(status))
        return self.out

    def json(self, *words, **settings):
        return json.loads(self.run_tool(words[0], '--json', *words[1:], **settings))

    def cache(self, *records, path=None, key=None, zid=OURS):
        made = GstZrtp.SqliteCache.new(str(path or self.path), key and GLib.Bytes.new(key))
        if zid:
            made.set_zid(None, None, GLib.Bytes.new(zid))
        for one in records:
            made.put(one)
        return made

    def content(self, path=None, key=None):
        """All that is in a cache."""
        cache = GstZrtp.SqliteCache.new(str(path or self.path), key and GLib.Bytes.new(key))
        return [plain(one) for one in cache.list(None, 100000)], [plain(one) for one in cache.list_zids()]

    # --- what there is ---------------------------------------------------------------------------------

    def test_no_cache(self):
        """To look makes nothing."""
        for words in COMMANDS:
            self.run_tool(*words, status=1, cache='')
            self.assertIn(f'there is no cache {self.dir}/data/gstreamer-1.0/zrtp/cache.sqlite', self.errors)
            self.run_tool(*words, status=1)
            self.assertIn(f'there is no cache {self.path}', self.errors)
        self.env['GST_ZRTP_CACHE'] = str(self.path)
        self.run_tool('list', status=1, cache='')
        self.assertIn(f'there is no cache {self.path}', self.errors)
        self.env['GST_ZRTP_CACHE'] = ''
        self.run_tool('list', status=1, cache='')
        self.assertIn('the location of the cache is empty', self.errors)
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_where(self):
        """The default, the environment and the option."""
        data = self.dir / 'data' / 'gstreamer-1.0' / 'zrtp'
        data.mkdir(parents=True)
        for name, path in (('Default', data / 'cache.sqlite'), ('Option', self.path), ('Environment', self.dir / 'env')):
            self.cache(record(name=name), path=path)
        self.assertIn('Default', self.run_tool('list', cache=''))
        self.assertIn('Option', self.run_tool('list'))
        self.env['GST_ZRTP_CACHE'] = str(self.dir / 'env')
        self.assertIn('Environment', self.run_tool('list', cache=''))
        self.assertIn('Option', self.run_tool('list'))

    def test_not_a_cache(self):
        self.path.write_bytes(b'not a cache at all, but long enough for somebody to look into it' * 100)
        for words in COMMANDS:
            self.run_tool(*words, status=1)
            self.assertIn('(here: --cache)', self.errors)
        self.run_tool('import', status=1, data=export_text([], many(1)))
        self.assertEqual(self.path.stat().st_size, 6400)

    def test_empty(self):
        self.cache(zid=None)
        self.assertEqual(self.run_tool('list'), 'The cache knows no peer yet.\n')
        self.assertEqual(self.json('list'), [])
        self.assertEqual(self.json('zid'), [])
        self.assertIn('no ZID yet', self.run_tool('zid'))
        self.assertEqual(self.json('expire'), {'expired': 0})
        self.run_tool('show', 'Bob', status=1)
        self.assertIn("no peer fits 'Bob'", self.errors)

    def test_table(self):
        """Columns stand under each other, whatever is in them."""
        names = ['Bob', 'Zoë', '山田太郎', 'Z' + 'o\u0308' + 'e', '', 'Ж' * 25, '😀 Ann', 'e\x1b[31mvil', 'a name ' * 9]
        self.cache(*[record(f'{i:x}' * 24, name=name, peer_uri=f'sip:{i}@example.org', sas_verified=i % 2 == 0)
                     for i, name in enumerate(names)])
        head, *rows = self.run_tool('list').splitlines()
        self.assertEqual(len(rows), len(names))
        places = {columns(row[:row.index('sip:')]) for row in rows[:-1]}
        self.assertEqual(places, {head.index("PEER'S URI")})
        self.assertGreater(columns(rows[-1][:rows[-1].index('sip:')]), places.pop())
        for i, row in enumerate(rows):
            self.assertRegex(row, f'^{f"{i:x}" * 24}  {"yes" if i % 2 == 0 else "no"} +2023-11-14  2027-01-15  ')
        self.assertNotIn('OUR URI', head)
        self.assertNotIn('\x1b', ''.join(rows))

    def test_show(self):
        until = 2000000000
        self.cache(record(name='Zoë', peer_uri='sip:zoe@example.org', local_uri='sip:me@example.org', sas_verified=True,
                          rs2=secret_of('rs2'), pbx_secret=secret_of('pbx'), expires=until, calls=7, preshared_calls=3))
        self.assertEqual(self.run_tool('show', 'Zoë').splitlines(), [
            'Name          Zoë', "Peer's URI    sip:zoe@example.org", 'Our URI       sip:me@example.org',
            f"Peer's ZID    {BOB}", f'Our ZID       {OURS.hex()}', 'SAS           verified',
            'Secrets       rs1 of the last call, rs2 of the one before, pbxsecret, which does not expire',
            'Expire        2033-05-18 03:33:20 +0000', 'First call    2023-11-14 22:13:20 +0000',
            'Last call     2027-01-15 08:00:00 +0000', 'Calls         7, the last 3 without a key agreement',
            'Algorithms    X255 S256 AES1 GCM B32'])
        self.assertEqual(self.json('show', 'Zoë'), {
            'peer-zid': BOB, 'zid': OURS.hex(), 'name': 'Zoë', 'peer-uri': 'sip:zoe@example.org',
            'local-uri': 'sip:me@example.org', 'sas-verified': True, 'secrets': ['rs1', 'rs2', 'pbx-secret'],
            'expires': until, 'first-seen': 1700000000, 'last-seen': 1800000000, 'calls': 7, 'preshared-calls': 3,
            'algorithms': 'X255 S256 AES1 GCM B32'})

    def test_no_secret(self):
        """What must not be seen is in an export alone."""
        secrets = {name: secret_of(name) for name in ('rs1', 'rs2', 'pbx_secret')}
        self.cache(record(name='Bob', **secrets))
        said = ''
        for words in COMMANDS:
            for extra in ([], ['--json']):
                if words[0] not in ('export', 'forget'):
                    said += self.run_tool(*words, *extra) + self.errors
        said += self.run_tool('export', str(self.dir / 'file')) + self.errors
        said += self.run_tool('forget', BOB) + self.errors
        said += self.run_tool('import', str(self.dir / 'file')) + self.errors
        exported = (self.dir / 'file').read_text()
        for secret in secrets.values():
            self.assertIn(secret.hex(), exported)
            for start in range(0, 32, 4):
                self.assertNotIn(secret[start:start + 4].hex(), said.lower())
            self.assertNotIn(base64.b64encode(secret).decode()[:10], said)

    def test_json(self):
        """Valid, and the same again when read."""
        names = ['"', '\\', 'a\\"b\n\t\r\x01\x7f', 'Zoë 😀', '\u202egnp.exe', '\u2028', '</script>', '\U000e0041', '%s%n']
        self.cache(*[record(f'{i:x}' * 24, name=name, peer_uri='sip:' + name) for i, name in enumerate(names)])
        rows = self.json('list')
        self.assertEqual([(row['name'], row['peer-uri']) for row in rows], [(name, 'sip:' + name) for name in names])
        self.assertEqual(rows[0]['expires'], None)
        self.assertFalse(re.search('[\x00-\x09\x0b-\x1f\x7f\u2028\u202e\U000e0041]', self.out))
        for row in rows:
            self.assertEqual(self.json('show', row['peer-zid']), row)

    def test_terminal(self):
        """What strangers write does not command the terminal."""
        evil = 'x\x1b]0;owned\x07\r\n\x9b1mA\u202eB\u2066C\u2029D\U000e0041E'
        self.cache(record(name='n' + evil, peer_uri='sip:' + evil, local_uri='us' + evil),
                   record(ALICE, name='n' + evil, peer_uri='sip:' + evil))
        said = ''
        for words, status in ((['list'], 0), (['show', BOB], 0), (['show', 'n' + evil], 1), (['verify', BOB], 0),
                              (['unverify', BOB], 0), (['rename', BOB, 'Bob'], 0), (['forget', BOB], 0),
                              (['show', evil], 1), (['li\x1b[1mst'], 2), (['list', f'--cache={self.dir}/no\x1b[1mne'], 1)):
            said += self.run_tool(*words, status=status) + self.errors
        self.assertFalse(re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066\u2029\U000e0041]', said))
        self.assertIn(r'x\x1b]0;owned\x07\x0d\x0a\x9b1mA\u202eB\u2066C\u2029D\U000e0041E', said)

    def test_other_locale(self):
        self.cache(record(name='Zoë', peer_uri='sip:ζ@example.org'))
        self.env['LC_ALL'] = 'C'
        self.assertIn(r'Zo\xeb  sip:\u03b6@example.org', self.run_tool('list'))
        self.assertEqual(self.json('show', 'Zoë')['name'], 'Zoë')

    def test_zid(self):
        cache = self.cache()
        cache.set_zid('sip:me@example.org', None, GLib.Bytes.new(12 * b'\x22'))
        cache.set_zid('sip:me@example.org', 'sip:b"ob', GLib.Bytes.new(12 * b'\x33'))
        self.assertEqual(sorted(self.run_tool('zid').splitlines()), [
            OURS.hex(), '22' * 12 + '  as sip:me@example.org', '33' * 12 + '  as sip:me@example.org  towards sip:b"ob'])
        self.assertIn({'zid': '33' * 12, 'local-uri': 'sip:me@example.org', 'peer-uri': 'sip:b"ob'}, self.json('zid'))

    def test_output_lost(self):
        self.cache(record())
        with open('/dev/full', 'w') as full:
            for words in (['list'], ['list', '--json'], ['show', BOB], ['zid'], ['export'], ['--version']):
                self.run_tool(*words, status=1, stdout=full)
                self.assertIn('written', self.errors)

    # --- which peer ------------------------------------------------------------------------------------

    def test_which(self):
        self.cache(record(ALICE, name='Alice', peer_uri='sip:alice@example.org'),
                   record(BOB, name='Bob', peer_uri='sip:bob@example.org'))
        for word in (ALICE, ALICE.upper(), 'a', 'A11', 'a11ce', 'Alice', 'sip:alice@example.org'):
            self.assertEqual(self.json('show', word)['name'], 'Alice')
        for word in ('alice', 'Ali', 'sip:', 'c', ALICE + '0', ALICE[:-1] + '1', '%', '*'):
            self.run_tool('show', word, status=1)
            self.assertIn(f"no peer fits '{word}'", self.errors)
        self.run_tool('show', 'Bob', '--peer-uri=sip:alice@example.org', status=1)
        self.run_tool('show', 'Bob', '--zid=ff', status=1)

    def test_no_name_no_uri(self):
        """Nothing is not a name."""
        self.cache(record())
        self.run_tool('show', '', status=2)
        self.assertEqual(self.json('show', BOB)['name'], '')

    def test_ambiguous(self):
        """What fits several is done to none of them."""
        other = bytes(12)
        self.cache(record(ALICE, name='Alice', peer_uri='sip:alice@example.org', sas_verified=True),
                   record('b' * 24, name='x', peer_uri='Alice'), record('c' * 24, name='b'),
                   record('d' * 24, name=ALICE, peer_uri=ALICE),
                   record(BOB, peer_uri='sip:1'), record(BOB, peer_uri='sip:2', local_uri='sip:me'),
                   record(BOB, peer_uri='sip:2', local_uri='sip:me', zid=other))
        before = self.content()
        for word, n in (('Alice', 2), ('b', 5), (BOB, 3)):
            for words in (['show', word], ['rename', word, 'Carol'], ['verify', word], ['unverify', word],
                          ['forget', word]):
                self.run_tool(*words, status=1)
                self.assertIn(f"'{word}' fits {n} records", self.errors)
                self.assertEqual(self.errors.count('--peer-uri='), n)
        for word in ('Alice', 'b'):
            self.run_tool('forget', '--all', word, status=1)
        self.assertEqual(self.content(), before)
        # what is offered to the shell is harmless there
        self.cache(record('e' * 24, peer_uri="'; touch owned; '"), record('e' * 24, peer_uri='sip:e'))
        self.run_tool('show', 'e' * 24, status=1)
        choices = [line.split(maxsplit=1)[1] for line in self.errors.splitlines() if '--zid=' in line]
        for choice in choices:
            options = choice[choice.index('--peer-uri='):]
            subprocess.run(['sh', '-c', f'"$0" --cache="$1" show {24 * "e"} {options}', PROGRAM, self.path], env=self.env,
                           cwd=self.dir, check=True, stdout=subprocess.DEVNULL)
        self.assertFalse((self.dir / 'owned').exists())
        # a whole ZID is nothing else
        self.assertEqual(self.json('show', ALICE)['name'], 'Alice')
        self.assertEqual(self.json('show', BOB, '--local-uri=')['peer-uri'], 'sip:1')
        self.assertEqual(self.json('show', BOB, '--peer-uri=sip:1')['peer-uri'], 'sip:1')
        self.assertEqual(self.json('show', BOB, '--local-uri=sip:me', '--zid=0011')['zid'], OURS.hex())
        self.run_tool('show', BOB, '--local-uri=sip:me', status=1)
        self.assertEqual(self.json('show', BOB, '--local-uri=sip:me', '--zid', '000000')['zid'], other.hex())

    def test_ambiguous_many(self):
        self.run_tool('import', data=export_text([], many(400)))
        zids = [fields['peer-zid'].hex() for fields in many(400)]
        digit = max('0123456789abcdef', key=lambda digit: sum(zid[0] == digit for zid in zids))
        n = sum(zid[0] == digit for zid in zids)
        self.run_tool('show', digit, status=1)
        self.assertEqual(self.errors.count('--peer-uri='), 20)
        self.assertIn(f'and {n - 20} more', self.errors)

    # --- what users change -----------------------------------------------------------------------------

    def test_rename(self):
        self.cache(record(sas_verified=True))
        self.assertIn("the name is 'Zoë Ü' now", self.run_tool('rename', 'b0b', 'Zoë Ü'))
        self.assertEqual(self.errors, '')
        self.assertTrue(self.json('show', 'Zoë Ü')['sas-verified'])
        self.run_tool('rename', 'Zoë Ü', 'Zoë Ü')
        self.assertEqual(self.errors, '')
        self.assertTrue(self.json('show', BOB)['sas-verified'])
        self.run_tool('rename', 'Zoë Ü', '--', '-Bob')
        self.assertIn('the SAS counts as not verified now', self.errors)
        self.assertFalse(self.json('show', '--', '-Bob')['sas-verified'])
        self.assertEqual(self.json('rename', BOB, 'Bob')['name'], 'Bob')
        self.assertEqual(self.json('rename', 'Bob', '')['name'], '')
        for name in (b'\xff', b'a\x1b[1m', b'a\n', b'\xc2\x9b'):
            self.run_tool('rename', BOB, name, status=2)
        self.assertEqual(self.json('show', BOB)['name'], '')

    def test_verify(self):
        self.cache(record(rs2=secret_of(2), rs2_verified=True),
                   record(ALICE, rs1=None, pbx_secret=secret_of('pbx'), name='PBX'))
        self.assertIn('that of the call before was', self.run_tool('show', BOB))
        self.assertIn('counts as verified now', self.run_tool('verify', BOB))
        self.assertTrue(self.json('show', BOB)['sas-verified'])
        self.assertIn('yes', self.run_tool('list'))
        self.run_tool('verify', 'PBX', status=1)
        self.assertIn('there is no secret of a call with PBX', self.errors)
        self.assertFalse(self.json('show', 'PBX')['sas-verified'])
        self.assertIn('not verified now', self.run_tool('unverify', BOB))
        self.assertFalse(self.json('show', BOB)['sas-verified'])
        self.assertFalse(self.content()[0][1]['rs2-verified'])
        self.assertTrue(self.json('verify', BOB)['sas-verified'])
        self.assertFalse(self.json('unverify', BOB)['sas-verified'])

    def test_forget(self):
        self.cache(record(name='Bob', peer_uri='sip:1'), record(peer_uri='sip:2'), record(ALICE, name='Alice'))
        self.assertIn('Bob (b0b', self.run_tool('forget', 'Bob'))
        self.assertIn('its user will be alerted in the next call', self.errors)
        self.assertEqual({row['peer-uri'] for row in self.json('list')}, {'', 'sip:2'})
        self.run_tool('forget', 'Bob', status=1)
        self.assertEqual(self.json('forget', 'Alice'), {'forgotten': 1})
        self.cache(record(peer_uri='sip:3'), record(peer_uri='sip:4'), record(ALICE))
        self.assertEqual(self.json('forget', BOB, '--all', '--peer-uri=sip:4'), {'forgotten': 1})
        self.assertEqual(self.json('forget', BOB, '--all'), {'forgotten': 2})
        self.assertEqual([row['peer-zid'] for row in self.json('list')], [ALICE])
        for secret in (secret_of(BOB, 'sip:3'), secret_of(BOB, 'sip:4')):
            for path in self.dir.iterdir():
                self.assertNotIn(secret, path.read_bytes())

    def test_expire(self):
        soon = int(time.time()) + 2
        self.cache(record(ALICE, name='Alice', expires=soon, sas_verified=True), record(name='Bob'),
                   record('c' * 24, name='PBX', expires=soon, pbx_secret=secret_of('pbx')))
        self.assertIn('Expire  ', self.run_tool('show', 'Alice'))
        time.sleep(max(0, soon - time.time()) + 0.1)
        self.assertIn('Expired ', self.run_tool('show', 'Alice'))
        self.assertFalse(self.json('show', 'Alice')['sas-verified'])
        self.assertRegex(self.run_tool('list'), 'expired .*Alice')
        self.run_tool('verify', 'Alice', status=1)
        self.assertIn('had expired', self.errors)
        self.assertEqual(self.json('expire'), {'expired': 1})
        self.assertEqual({row['name']: row['secrets'] for row in self.json('list')},
                         {'Bob': ['rs1'], 'PBX': ['pbx-secret']})

    # --- wrong usage -----------------------------------------------------------------------------------

    def test_usage(self):
        self.cache(record(name='Bob'))
        before = self.content()
        wrong = [[], ['lst'], ['--no-such-option', 'list'], ['list', 'Bob'], ['show'], ['show', 'Bob', 'Alice'],
                 ['rename', 'Bob'], ['rename', 'Bob', 'Alice', 'Smith'], ['verify'], ['unverify'], ['forget'],
                 ['forget', '--all'], ['expire', 'Bob'], ['export', 'a', 'b'], ['import', 'a', 'b'], ['zid', 'Bob'],
                 ['verify', '--all', 'Bob'], ['unverify', '--all', 'Bob'], ['rename', '--all', 'Bob', 'Alice'],
                 ['export', '--all'], ['list', '--force'], ['forget', '--force', 'Bob'], ['export', '--replace-zid'],
                 ['expire', '--peer-uri=sip:bob'], ['list', '--local-uri='], ['export', '--zid=0'],
                 ['show', 'Bob', '--zid='], ['forget', ''], ['forget', '--all', '']]
        for words in wrong:
            process = subprocess.run([PROGRAM, f'--cache={self.path}', *words], env=self.env, capture_output=True,
                                     cwd=self.dir, stdin=subprocess.DEVNULL)
            self.assertEqual((process.returncode, process.stdout), (2, b''), words)
            self.assertIn(b'--help', process.stderr)
        self.assertEqual(self.content(), before)

    def test_help(self):
        """What there is, is in --help and in the manual."""
        said = self.run_tool('--help')
        manual = (ROOT / 'docs' / 'gst-zrtp-peers-1.0.1').read_text().replace('\\-', '-')
        self.assertEqual(re.findall(r'^  ([a-z]+) ', said.split('Commands:')[1], re.M),
                         [words[0] for words in COMMANDS[:-1]] + ['import', 'zid'])
        for command in re.findall(r'^  ([a-z]+) ', said.split('Commands:')[1], re.M):
            self.assertRegex(manual, rf'\.TP\n\.BI? "?{command}\b')
        for option in re.findall(r'--[a-z-]+', said):
            self.assertIn(option, manual)
        self.assertRegex(self.run_tool('--version'), r'^gst-zrtp-peers-1.0 \d+\.\d+\.\d+\n$')

    def test_key(self):
        key = bytes(range(32))
        (self.dir / 'raw').write_bytes(key)
        (self.dir / 'hex').write_text(key.hex())
        (self.dir / 'line').write_text(key.hex().upper() + '\n')
        self.cache(record(name='Bob'), key=key)
        for name in ('raw', 'hex', 'line'):
            self.assertIn('Bob', self.run_tool('list', f'--cache-key-file={self.dir}/{name}'))
        for data in (b'', key[1:], key + b'\n', key.hex().encode()[1:], b'g' * 64, key.hex().encode() + b'\n\n'):
            (self.dir / 'wrong').write_bytes(data)
            self.run_tool('list', f'--cache-key-file={self.dir}/wrong', status=1)
            self.assertIn('32 octets', self.errors)
        self.run_tool('list', f'--cache-key-file={self.dir}/none', status=1)
        self.assertIn('cannot be read', self.errors)
        (self.dir / 'other').write_bytes(key[::-1])
        for words in (['list'], ['list', f'--cache-key-file={self.dir}/other']):
            self.run_tool(*words, status=1)
            self.assertIn('--cache-key-file', self.errors)

    # --- export and import -----------------------------------------------------------------------------

    def all_kinds(self):
        return [record(ALICE, name='Zoë "%20" 😀\n', peer_uri='sip:zoë@example.org;x=1 2', local_uri='a=b%', calls=2 ** 64 - 1,
                       rs2=secret_of(2), pbx_secret=secret_of(3), sas_verified=True, rs2_verified=True,
                       expires=int(time.time()) + DAY, preshared_calls=255, first_seen=0, last_seen=NEVER),
                record(BOB, zid=bytes(12), rs1=None, rs2=secret_of(4)), record(BOB, peer_uri='sip:x'),
                record('0' * 23 + '1', rs1=None, pbx_secret=secret_of(5), calls=0, algorithms=''), *map(
                    lambda i: record(f'{i:024x}'), range(300, 900))]

    def test_round_trip(self):
        """All of it, and into an encrypted cache."""
        new, key = self.dir / 'new.sqlite', secret_of('key')
        (self.dir / 'key').write_bytes(key)
        cache = self.cache(*self.all_kinds())
        cache.set_zid('sip:me', 'sip: =%\n', GLib.Bytes.new(12 * b'\x44'))
        self.assertEqual(self.run_tool('export', str(self.dir / 'file')), '')
        self.assertIn('604 records exported', self.errors)
        said = self.json('import', str(self.dir / 'file'), f'--cache-key-file={self.dir}/key', cache=new)
        self.assertEqual(said, {'imported': 604, 'kept': 0, 'expired': 0, 'zids': 2})
        self.assertEqual(self.content(new, key), self.content())
        self.assertNotIn(secret_of(2), new.read_bytes())
        # through a pipe, and once more
        piped = subprocess.run([PROGRAM, f'--cache={self.path}', 'export'], env=self.env, capture_output=True).stdout
        self.assertEqual(piped, (self.dir / 'file').read_bytes())
        said = self.json('import', '-', f'--cache-key-file={self.dir}/key', cache=new, data=piped)
        self.assertEqual(said, {'imported': 0, 'kept': 604, 'expired': 0, 'zids': 0})

    def test_format(self):
        """The file is as it is described."""
        self.cache(record(name='Zoë B'))
        fields = {'zid': OURS, 'peer-zid': bytes.fromhex(BOB), 'name': 'Zoë B', 'rs1': secret_of(BOB, None),
                  'first-seen': 1700000000, 'last-seen': 1800000000, 'calls': 2, 'algorithms': 'X255 S256 AES1 GCM B32'}
        self.assertEqual(set(self.run_tool('export').splitlines()[2].replace('ë', '%C3%AB').split(' ')),
                         set(export_text([], [fields]).decode().splitlines()[1].split(' ')))
        self.run_tool('import', cache=self.dir / 'new', data=export_text([(OURS, '', '')], [fields]))
        self.assertEqual(self.content(self.dir / 'new'), self.content())

    def test_export_file(self):
        """For this user alone, and never in place of another file."""
        self.cache(record())
        path = self.dir / 'file'
        old = os.umask(0)
        try:
            self.run_tool('export', str(path))
        finally:
            os.umask(old)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.run_tool('import', str(path), cache=self.dir / 'new')
        path.write_text('dear')
        self.run_tool('export', str(path), status=1)
        self.run_tool('export', str(path), '--force', status=1)
        self.assertIn('choose another name', self.errors)
        self.assertEqual(path.read_text(), 'dear')
        (self.dir / 'link').symlink_to(self.dir / 'target')
        self.run_tool('export', str(self.dir / 'link'), status=1)
        self.assertFalse((self.dir / 'target').exists())
        self.run_tool('export', str(self.dir / 'no' / 'folder'), status=1)

    def test_export_stdout(self):
        self.cache(record())
        master, slave = pty.openpty()
        self.run_tool('export', status=1, stdout=slave)
        self.assertIn('do not belong on a screen', self.errors)
        os.set_blocking(master, False)
        self.assertRaises(BlockingIOError, os.read, master, 1)
        self.run_tool('import', status=2, stdin=slave)  # would wait for somebody to type one
        self.assertIn('name the file', self.errors)
        self.run_tool('export', '--force', stdout=slave)
        os.set_blocking(master, True)
        self.assertIn(b'gst-zrtp-cache 1', os.read(master, 100))
        os.close(master)
        os.close(slave)
        path = self.dir / 'file'
        for mode, words, status in ((0o644, [], 1), (0o640, [], 1), (0o600, [], 0), (0o644, ['--force'], 0)):
            path.write_bytes(b'')
            path.chmod(mode)
            with path.open('wb') as file:
                self.run_tool('export', *words, status=status, stdout=file)
            self.assertEqual(path.stat().st_size > 0, status == 0)

    def test_export_no_room(self):
        """Half an export is not left behind."""
        self.cache(*[record(f'{i:024x}') for i in range(400)])
        room = 65536  # enough for SQLite, and not for 400 records

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        self.run_tool('export', str(self.dir / 'file'), status=1, preexec_fn=limit)
        self.assertIn('could not be written', self.errors)
        self.assertFalse((self.dir / 'file').exists())

    def test_import_damaged(self):
        """Refused as a whole, wherever the damage is; a cache that was not there is not made."""
        whole = export_text([(OURS, '', '')], many(3))
        other = self.dir / 'other'
        self.cache(record(), path=other, zid=bytes(12))
        before = self.content(other)
        ends = [i + 1 for i, octet in enumerate(whole) if octet == 10]
        bad = [b'', b'\n', b'end 0\n', b'\0' * 100, whole + b'\n', whole + whole, whole.replace(b'\n', b'\r\n'),
               whole.replace(b'gst-zrtp-cache 1', b'gst-zrtp-cache 01x'), whole[:ends[1]] + whole[ends[2]:],
               whole[:ends[2]] + whole[ends[1]:ends[2]] + whole[ends[2]:]]
        bad += [whole[:n] for n in (1, 15, 16, *ends[:-1], *(end - 1 for end in ends))]
        bad += [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1:] for n in range(0, len(whole), 23)]
        for data in bad:
            self.run_tool('import', status=1, data=data)
            self.assertIn('nothing was imported', self.errors)
            self.assertIn('damaged' if data.startswith(b'gst-zrtp-cache ') else 'was not made by', self.errors)
        self.assertFalse(self.path.exists())
        for data in bad[:12]:
            self.run_tool('import', status=1, data=data, cache=other)
        self.assertEqual(self.content(other), before)
        self.run_tool('import', str(self.dir / 'none'), status=1)
        self.run_tool('import', str(self.dir), status=1)

    def test_import_lines(self):
        """Lines that no export writes."""
        good = next(many(1))
        bad = [{**good, 'zid': b'1'}, {**good, 'rs1': b'1' * 31}, {**good, 'rs1': b'1' * 33}, {**good, 'rs1': 'g' * 64},
               {**good, 'calls': -1}, {**good, 'calls': 2 ** 64}, {**good, 'calls': ''}, {**good, 'calls': '1' * 30},
               {**good, 'calls': '1' * 9999}, {**good, 'expires': 2 ** 63}, {**good, 'preshared-calls': 256},
               {**good, 'preshared-calls': 2 ** 32}, {**good, 'sas-verified': 1}, {**good, 'something': 'new'},
               {**good, '': ''}]
        for fields in bad:
            self.run_tool('import', status=1, data=export_text([], [good, fields]))
            self.assertIn('line 3', self.errors)
        for line in ('record', 'record ', 'rec', '', 'zid', 'record name', f'record  zid={OURS.hex()}', 'record name=%',
                     'record name=a%00b', 'record =', 'end 1 2'):
            text = f'gst-zrtp-cache 1\n{line}\n'.encode()
            text += f'end 2 {hashlib.sha256(text).hexdigest()}\n'.encode()
            self.run_tool('import', status=1, data=text)
            self.assertIn('line 2', self.errors)
        self.assertFalse(self.path.exists())

    def test_import_later_version(self):
        for version in (2, 99999):
            self.run_tool('import', status=1, data=export_text([(OURS, '', '')], many(1), version))
            self.assertIn('later version', self.errors)
        self.assertFalse(self.path.exists())

    def test_import_other_zid(self):
        """Those who know us by our ZID must not lose us by mistake."""
        data = export_text([(OURS, '', '')], many(2))
        mine = b'\x55' * 12
        self.cache(zid=mine)  # nobody knows it
        self.assertEqual(self.json('import', data=data), {'imported': 2, 'kept': 0, 'expired': 0, 'zids': 1})
        self.assertEqual(self.json('zid')[0]['zid'], OURS.hex())
        other = self.dir / 'other'
        self.cache(record(zid=mine), path=other, zid=mine)
        before = self.content(other)
        self.run_tool('import', status=1, data=data, cache=other)
        self.assertIn('--replace-zid', self.errors)
        self.assertEqual(self.content(other), before)
        self.assertEqual(self.json('import', '--replace-zid', data=data, cache=other)['imported'], 2)
        self.assertEqual(self.json('zid', cache=other)[0]['zid'], OURS.hex())
        self.assertEqual(len(self.json('list', cache=other)), 3)

    def test_import_merges(self):
        """The later call counts."""
        new = self.dir / 'new'
        self.cache(record(ALICE, name='older', last_seen=10), record(BOB, name='later', last_seen=30),
                   record('c' * 24, name='same', last_seen=20), record('d' * 24, name='only here'))
        self.cache(record(ALICE, name='later', rs1=secret_of('l'), last_seen=20),
                   record(BOB, name='older', rs1=secret_of('o'), last_seen=20),
                   record('c' * 24, name='another', last_seen=20), record('e' * 24, name='only there'), path=new)
        data = subprocess.run([PROGRAM, f'--cache={new}', 'export'], env=self.env, capture_output=True).stdout
        self.assertEqual(self.json('import', data=data), {'imported': 2, 'kept': 2, 'expired': 0, 'zids': 0})
        self.assertEqual([row['name'] for row in self.json('list')],
                         ['later', 'later', 'same', 'only here', 'only there'])
        rs1 = {row['peer-zid'].hex(): row['rs1'] for row in self.content()[0]}
        self.assertEqual((rs1[ALICE], rs1[BOB]), (secret_of('l'), secret_of(BOB, None)))

    def test_import_expired(self):
        old = {**next(many(1)), 'expires': 1000}
        pbx = {**old, 'peer-zid': 12 * b'p', 'pbx-secret': secret_of('pbx')}
        said = self.json('import', data=export_text([], [old, pbx]))
        self.assertEqual(said, {'imported': 1, 'kept': 0, 'expired': 1, 'zids': 0})
        self.assertEqual([row['secrets'] for row in self.json('list')], [['pbx-secret']])

    def test_import_interrupted(self):
        """Killed in the middle, begun again, and there is all of it."""
        n = 3000
        mine = b'\x55' * 12
        # also when the ZID here has no record but those of the file
        data = export_text([(OURS, '', '')], itertools.chain(({**one, 'zid': mine} for one in many(n)), many(n)))
        file = self.dir / 'file'
        file.write_bytes(data)
        cache = self.cache(zid=mine)
        with self.start('import', str(file)) as process:
            while not cache.list(None, 5) and process.poll() is None:
                time.sleep(0.001)
            process.kill()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        there = len(cache.list(None, 2 * n))
        self.assertTrue(0 < there < 2 * n, there)
        self.assertEqual(self.json('zid')[0]['zid'], mine.hex())
        self.assertEqual(self.json('import', str(file)), {'imported': 2 * n - there, 'kept': there, 'expired': 0, 'zids': 1})
        self.assertEqual(len(cache.list(None, 3 * n)), 2 * n)

    def test_next_call(self):
        """The point of it: after the move the next call is verified, and nobody is alerted."""
        modes = load(ROOT / 'tests' / 'python' / 'test-modes.py')
        new, key = self.dir / 'new', secret_of('key')
        (self.dir / 'key').write_bytes(key)
        bobs = GstZrtp.MemoryCache.new()

        def call(location, **settings):
            alice, bob = modes.End(cache_location=str(location), peer_name='Bob', **settings), modes.End(cache=bobs)
            modes.Call(alice, bob).talk()
            return alice, bob
        for end in call(self.path):
            end.session.verify_sas(True)
        self.run_tool('export', str(self.dir / 'file'))
        self.run_tool('import', str(self.dir / 'file'), f'--cache-key-file={self.dir}/key', cache=new)
        for end in call(new, cache_key=GLib.Bytes.new(key)):
            self.assertTrue(end.session.props.sas_verified)
            self.assertFalse(end.field('cache-mismatch'))
            self.assertEqual([said for said in end.hear() if said[0] == 'warning'], [])
        row, = self.json('list', f'--cache-key-file={self.dir}/key', cache=new)
        self.assertEqual((row['name'], row['calls'], row['sas-verified']), ('Bob', 2, True))
        # forget, and the peer is alerted as it was said
        self.run_tool('forget', 'Bob', f'--cache-key-file={self.dir}/key', cache=new)
        alice, bob = call(new, cache_key=GLib.Bytes.new(key))
        self.assertTrue(bob.field('cache-mismatch'))

    def peak(self, words, path, n):
        """KiB that it has taken when four fifths of its output are read, which must be about n records."""
        size = len(self.run_tool(*words, cache=path).encode())
        out, into = os.pipe()
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)
        with open(out, 'rb') as out, self.start(*words, cache=path, stdout=into) as process:
            os.close(into)
            text = out.read(size * 4 // 5).decode()
            status = pathlib.Path(f'/proc/{process.pid}/status').read_text()
            text += out.read().decode()
            process.stderr.read()
        self.assertEqual(process.returncode, 0)
        zids = re.findall(r'(?:^|peer-zid=|peer-zid": ")([0-9a-f]{24})', text, re.M)
        self.assertEqual(sorted(zids), sorted(fields['peer-zid'].hex() for fields in many(n)))
        return int(re.search(r'VmHWM:\s+(\d+)', status).group(1))

    def test_many(self):
        """Thousands are listed, each once, and the memory does not grow with them."""
        few, lots = self.dir / 'few', self.dir / 'lots'
        self.run_tool('import', data=export_text([(OURS, '', '')], many(2000)), cache=few)
        self.run_tool('import', data=export_text([(OURS, '', '')], many(12000)), cache=lots)
        for words in (['list'], ['list', '--json'], ['export']):
            peak, more = self.peak(words, few, 2000), self.peak(words, lots, 12000)
            print(f'# {words}: {peak} KiB with 2000 records, {more} KiB with 12000')
            self.assertLess(more - peak, 4 * 1024)

    def test_readme(self):
        """The lines of README.md, as they stand there."""
        text = re.search(r'^#+ Who was called: gst-zrtp-peers-1.0\n(.*?)(?=^#)', (ROOT / 'README.md').read_text(),
                         re.M | re.S).group(1)
        lines = re.findall(r'^    (.*)', text, re.M)
        self.assertGreaterEqual(len(lines), 4)
        self.cache(record(name='B.', peer_uri='sip:bob@example.org', sas_verified=True))
        self.env.update(GST_ZRTP_CACHE=str(self.path), PATH=f'{pathlib.Path(PROGRAM).parent}:{self.env["PATH"]}')
        for line in lines:
            ran = subprocess.run(['sh', '-ec', line], cwd=self.dir, env=self.env, capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, line + ran.stderr)
            self.assertTrue(ran.stdout + ran.stderr)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem.replace('-', '_'), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == '__main__':
    Gst.init(None)
    tap.main()
