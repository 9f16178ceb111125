#!/usr/bin/env python3
"""Kills one end of a call, or both, at every step; the next call must be as good as if nothing had happened.

SPDX-License-Identifier: LGPL-2.1-or-later

  kill.py --build DIR [--rounds N] [--seed N] [--modes MODE,MODE]

Two processes with a file each call each other over UDP (tests/cache/end.c). In a round one to six calls are killed, with
SIGKILL, at a step of the exchange, inside a write() of the cache's update, or after some random microseconds; then both ends
start again and the call must be secure by a retained secret, verified as before, with the same ZIDs, names and first
days; what was told to be secure is in the file, whose `PRAGMA integrity_check` is good after every kill. The steps that
were killed at least often come first, so that a long run hits all.

In the mode `bzrtp` the other end is libbzrtp with its own file (tests/cache/bzrtp-end.c). It is not killed, and our end once at
a time: of two interrupted calls in a row it keeps nothing that both ends have.

What kill -9 cannot show is what a power failure does: the system keeps what was written. So that the update is synchronous is
seen in another way: every write() of it is followed by an fsync() before it ends.
"""

import argparse
import collections
import contextlib
import os
import random
import re
import selectors
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

SECONDS = 15  # that a call may take; it takes a hundredth of one
KEY = 'thirty-two octets for a cachekey'
NAMES = ('Alice', 'Bob')
ROLES = ('initiator', 'responder')

MODES = {
    'dh': {},
    'preshared': {'preshared': True},
    'encrypted': {'key': KEY},
    'bzrtp': {'bzrtp': True},
}


class Wrong(Exception):
    """What must not be."""


class Outcome:
    """What one end said in one call."""

    def __init__(self, side, lines, code):
        self.side, self.lines, self.code = side, lines, code
        self.names = [line[5:] for line in lines if line.startswith('step ')]
        self.steps = [re.sub('^(initiator|responder):', '', name) for name in self.names]
        self.secure = next((dict(re.findall(r'(\S+)=(\S*)', line)) for line in lines if line.startswith('secure ')), None)
        self.bad = [line for line in lines if line.startswith(('warning ', 'error ', 'lost '))]
        self.killed = code == -signal.SIGKILL

    def told(self, what):
        return next((line[len(what) + 1:] for line in self.lines if line.startswith(what + ' ')), None)

    def reached(self, step):
        return step in self.steps


class Side:
    """One end's file, and what must be in it."""

    def __init__(self, path):
        self.path = path
        self.zid = self.record = None
        self.calls = (0, 0)  # at least, at most

    def check_start(self, outcome):
        """What the file holds, as the process reads it when it starts."""
        zid, text = outcome.told('zid'), outcome.told('record')
        if outcome.told('error'):
            raise Wrong(f'the cache cannot be used: {outcome.told("error")}')
        if zid and self.zid and zid != self.zid:
            raise Wrong(f'the ZID was {self.zid} and is {zid}')
        self.zid = self.zid or zid
        if text:
            self.check_record(re.fullmatch(r'calls=(\d+) (first-seen=\d+ verified=\d name=.*)', text))
        elif self.record and zid and outcome.reached('sent:Hello:before'):
            raise Wrong('the record of the peer is gone')

    def check_record(self, found):
        calls, rest = int(found[1]), found[2]
        if not self.calls[0] <= calls <= self.calls[1]:
            raise Wrong(f'the record says {calls} calls; there were {self.calls[0]} to {self.calls[1]} that must be in it')
        if self.record and rest != self.record:
            raise Wrong(f'the record was {self.record} and is {rest}')
        if 'verified=1' not in rest:
            raise Wrong('the SAS is not verified any more')
        self.calls, self.record = (calls, calls), rest

    def check_end(self, outcome):
        """Who said that the call is secure, or told the peer, has stored it."""
        low, high = self.calls
        if outcome.reached('update:after') or outcome.secure or outcome.reached('sent:Conf2ACK:before'):
            low += 1
        if outcome.reached('update:before'):
            high += 1
        if low > high:
            raise Wrong('the peer or the user was told that the call is secure, and nothing was stored')
        self.calls = (low, high)
        check_synced(outcome.steps)

    def check_file(self):
        """On a copy: who opens the file for the check mends it."""
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, 'copy')
            for end in ('', '-wal', '-journal'):
                if os.path.exists(self.path + end):
                    shutil.copy(self.path + end, copy + end)
            with contextlib.closing(sqlite3.connect(copy)) as database:
                found = database.execute('PRAGMA integrity_check').fetchall()
        if found != [('ok',)]:
            raise Wrong(f'{self.path}: integrity_check says {found}')


def check_synced(steps):
    """In every update that came to its end, a sync is the last thing that was done."""
    update = None
    for step in steps:
        if step == 'update:before':
            update = []
        elif step == 'update:after' and update is not None:
            wrote = [i for i, name in enumerate(update) if re.fullmatch(r'update:write\d+:after', name)]
            synced = [i for i, name in enumerate(update) if re.fullmatch(r'update:sync\d+:after', name)]
            if wrote and (not synced or synced[-1] < wrote[-1]):
                raise Wrong('the update ended with something written that was not synced')
            update = None
        elif update is not None:
            update.append(step)


class Pair:
    """Two ends that call each other in one mode."""

    def __init__(self, programs, folder, mode):
        self.programs, self.mode, self.settings = programs, mode, MODES[mode]
        self.folder = tempfile.mkdtemp(prefix=mode + '-', dir=folder)
        self.sides = [Side(os.path.join(self.folder, name + '.sqlite')) for name in NAMES]
        self.seconds = 0.1

    def foreign(self, index):
        """Ends of libbzrtp are not killed, and say nothing of what they keep."""
        return index == 1 and self.settings.get('bzrtp', False)

    def command(self, index, fd, more):
        program = self.programs['bzrtp' if self.foreign(index) else 'ours']
        command = [program, '--fd', str(fd), '--cache', self.sides[index].path, *more]
        if self.settings.get('key'):
            command += ['--key', self.settings['key']]
        if self.settings.get('preshared'):
            command += ['--preshared']
        return command

    def call(self, more=((), ()), kill_both=False, grace=0.0):
        """A call to its end, or until one was killed; returns what both said."""
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in NAMES]
        for s in sockets:
            s.bind(('127.0.0.1', 0))
        for s, peer in zip(sockets, reversed(sockets)):
            s.connect(peer.getsockname())
        processes = []
        for i, s in enumerate(sockets):
            processes.append(subprocess.Popen(self.command(i, s.fileno(), more[i]), pass_fds=[s.fileno()],
                                              stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        try:
            said = converse(processes, kill_both, grace)
        finally:
            for process in processes:
                process.kill()
                process.wait()
                process.stdin.close()
                process.stdout.close()
            for s in sockets:
                s.close()
        return [Outcome(i, said[i].decode().splitlines(), processes[i].returncode) for i in range(2)]

    def check(self, outcomes):
        for side, outcome in zip(self.sides, outcomes):
            if not self.foreign(outcome.side):
                side.check_start(outcome)
                side.check_end(outcome)
            side.check_file()

    def good_call(self, more=((), ()), verified='1'):
        begin = time.monotonic()
        outcomes = self.call(more)
        for outcome in outcomes:
            if outcome.code != 0 or not outcome.secure:
                raise Wrong(f'{NAMES[outcome.side]} did not become secure: exit status {outcome.code}, {outcome.lines[-3:]}')
            if outcome.bad or outcome.secure['mismatch'] != '0':
                raise Wrong(f'{NAMES[outcome.side]} was alarmed: {outcome.bad}')
            if outcome.secure['verified'] != verified:
                raise Wrong(f'{NAMES[outcome.side]}: verified is {outcome.secure["verified"]}, not {verified}')
        if len({outcome.secure['sas'] for outcome in outcomes}) != 1:
            raise Wrong('the SAS is not the same at both ends')
        self.check(outcomes)
        self.seconds = time.monotonic() - begin
        return outcomes

    def meet(self):
        """The first calls: users compare the SAS, and give each other names. Both ends have rs1 and rs2 then."""
        more = [['--verify'] + ([] if self.foreign(i) else ['--name', NAMES[1 - i]]) for i in range(2)]
        self.good_call(more, '0')
        self.good_call()


def take(process, said, index):
    """What there is to read; false when there will be no more."""
    data = os.read(process.stdout.fileno(), 65536)
    said[index] += data
    return bool(data)


def is_secure(text):
    return b'\nsecure ' in text


def converse(processes, kill_both, grace):
    """Until both said all. When both are secure, or one is dead, they are told to end."""
    said = [b'', b'']
    deadline = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        for i, process in enumerate(processes):
            selector.register(process.stdout, selectors.EVENT_READ, i)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise Wrong(f'the call has no end; the last lines: {[text.splitlines()[-3:] for text in said]}')
            over = all(map(is_secure, said))
            for key, _ in selector.select(deadline - time.monotonic()):
                if not take(processes[key.data], said, key.data):
                    selector.unregister(key.fileobj)
                    over = True
                    if kill_both:
                        processes[1 - key.data].kill()
                    time.sleep(grace)
            if over or all(map(is_secure, said)):
                for process in processes:
                    with contextlib.suppress(BrokenPipeError):
                        process.stdin.close()
    return said


class Hits:
    """How often each step was there and was killed at, in each mode."""

    def __init__(self):
        self.seen = collections.defaultdict(collections.Counter)  # mode -> step -> ends of undisturbed calls
        self.ends = collections.Counter()
        self.hit = collections.defaultdict(collections.Counter)
        self.order = {}

    def note_good(self, mode, outcomes):
        for outcome in outcomes:
            self.ends[mode] += 1
            self.seen[mode].update(set(outcome.names))
            for name in outcome.names:
                self.order.setdefault(name, len(self.order))

    def usual(self, mode):
        """Each end has either role half of the time; what is much rarer depends on who is faster."""
        return [name for name, n in self.seen[mode].items() if 5 * n >= self.ends[mode]]

    def choose(self, rng, mode):
        """One step for each role that the victim may come to have, of those that were hit least."""
        steps = self.usual(mode)
        first = self.choose_among(rng, mode, steps)
        other = {ROLES[0]: ROLES[1], ROLES[1]: ROLES[0]}.get(first.split(':')[0])
        others = [name for name in steps if other and name.startswith(other + ':')]  # none, if it was not seen yet
        return [first] + ([self.choose_among(rng, mode, others)] if others else [])

    def choose_among(self, rng, mode, steps):
        least = min(self.hit[mode][name] for name in steps)
        return rng.choice(sorted(name for name in steps if self.hit[mode][name] == least))

    def missing(self):
        """With libbzrtp there is one kill a round, which is not enough for all."""
        return [(mode, name) for mode in self.seen for name in self.usual(mode)
                if not self.hit[mode][name] and mode != 'bzrtp']

    def print(self):
        print('\nkills at each step, - where it is not:')
        for i, mode in enumerate(self.seen):
            print(f'{"   |" * i}   {mode}')
        for name in sorted(self.order, key=lambda name: (re.sub('[a-z].*', '', name), self.order[name])):
            print(''.join(f'{self.hit[mode][name] if self.seen[mode][name] else "-":>4}' for mode in self.seen), '', name)


class Run:
    def __init__(self, options, programs, folder):
        self.options, self.programs, self.folder = options, programs, folder
        self.rng = random.Random(options.seed)
        self.modes = [mode for mode in options.modes.split(',') if mode != 'bzrtp' or 'bzrtp' in programs]
        self.hits, self.pairs = Hits(), {}
        self.counts = collections.Counter()
        self.bursts = collections.Counter()
        self.story = []

    def pair(self, mode):
        if mode not in self.pairs:
            self.pairs[mode] = Pair(self.programs, self.folder, mode)
            self.story.append(f'a new pair in {self.pairs[mode].folder}')
            self.pairs[mode].meet()
            for _ in range(4):
                self.hits.note_good(mode, self.own(self.pairs[mode], self.pairs[mode].good_call()))
        return self.pairs[mode]

    @staticmethod
    def own(pair, outcomes):
        return [outcome for outcome in outcomes if not pair.foreign(outcome.side)]

    def kill(self, pair, victim, both):
        """One call that does not come to its end. Returns whether somebody died."""
        more, at_step = [[], []], self.rng.random() < 0.8
        if at_step:
            more[victim] = [f'--kill={step}' for step in self.hits.choose(self.rng, pair.mode)]
        else:
            more[victim] = [f'--kill-after={self.rng.randrange(1, int(pair.seconds * 1.1e6))}']
        self.story.append(f'{pair.mode}: {NAMES[victim]}, {more[victim]}{", both" if both else ""}')
        outcomes = pair.call(more, both, self.rng.choice([0, 0, 0.002, 0.01]))
        dead = outcomes[victim]
        self.story.append(f'  {dead.names[-1] if dead.names else "nothing done"}, {dead.code}; '
                          f'the other: {outcomes[1 - victim].names[-1:]}, {outcomes[1 - victim].code}')
        pair.check(outcomes)
        self.count(pair, dead, at_step, both)
        for outcome in outcomes:
            if outcome.code not in (0, -signal.SIGKILL):
                raise Wrong(f'{NAMES[outcome.side]} ended with {outcome.code}')
            if not outcome.killed and outcome.bad:
                raise Wrong(f'{NAMES[outcome.side]} was alarmed: {outcome.bad}')
        return dead.killed

    def count(self, pair, dead, at_step, both):
        if not dead.killed:
            self.counts['not reached'] += 1
            return
        self.counts['both ends' if both else 'one end'] += 1
        self.counts['at a step' if at_step else 'at random microseconds'] += 1
        if at_step:
            self.hits.hit[pair.mode][dead.names[-1]] += 1

    def round(self, mode):
        self.story = []
        pair = self.pair(mode)
        n = 1 if mode == 'bzrtp' or self.rng.random() < 0.6 else self.rng.randrange(2, 7)
        victim = 0 if mode == 'bzrtp' else self.rng.randrange(2)
        alternate = mode != 'bzrtp' and self.rng.random() < 0.5
        died = tries = 0
        while died < n and tries < 5 * n:  # not every call comes by the step that was chosen
            died += self.kill(pair, victim, mode != 'bzrtp' and self.rng.random() < 0.2)
            victim ^= alternate
            tries += 1
        self.bursts[died] += 1
        outcomes = pair.good_call()
        self.hits.note_good(mode, self.own(pair, outcomes))
        self.counts[f'good calls, {outcomes[0].secure["mode"]}'] += 1

    def births(self, key):
        """A file that is killed while it is made."""
        more = ['--open-only'] + (['--key', KEY] if key else [])
        folder = tempfile.mkdtemp(prefix='birth-', dir=self.folder)
        steps = self.live(os.path.join(folder, 'undisturbed', 'cache'), more).steps
        for i, step in enumerate(dict.fromkeys(steps)):
            path = os.path.join(folder, str(i), 'cache')
            self.story = [f'a new file, killed at {step}, in {path}']
            side = Side(path)
            side.check_start(self.live(path, more + ['--kill', step]))
            for _ in range(2):
                after = self.live(path, more)
                side.check_start(after)
                if after.code != 0 or not after.told('zid'):
                    raise Wrong(f'the cache does not open again: {after.lines[-2:]}')
            side.check_file()
            self.counts['new files'] += 1

    def live(self, path, more):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        done = subprocess.run([self.programs['ours'], '--cache', path, *more], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, timeout=SECONDS, check=False)
        return Outcome(0, done.stdout.decode().splitlines(), done.returncode)

    def attempt(self, what, *arguments):
        """Runs it; returns whether all was well."""
        try:
            what(*arguments)
            return True
        except (Wrong, subprocess.TimeoutExpired, sqlite3.Error) as wrong:
            print(f'\nWRONG: {wrong}\n  ' + '\n  '.join(self.story), flush=True)
            return False

    def all(self):
        wrong = sum(not self.attempt(self.births, key) for key in (None, KEY))
        for i in range(self.options.rounds):
            mode = self.modes[i % len(self.modes)]
            if not self.attempt(self.round, mode):
                wrong += 1
                self.pairs.pop(mode, None)
            self.progress(i + 1, wrong)
            if wrong >= 10:
                print('\nthat is enough')
                break
        return wrong

    def progress(self, done, wrong):
        text = f'round {done} of {self.options.rounds}, {self.counts["one end"] + self.counts["both ends"]} kills, {wrong} wrong'
        if sys.stdout.isatty():
            print(f'\r{text}', end='', flush=True)
        elif done % 50 == 0 or done == self.options.rounds:
            print(text, flush=True)

    def summary(self, wrong, seconds):
        missing = self.hits.missing()
        self.hits.print()
        print(f'\nseed {self.options.seed}, {seconds:.0f} s')
        for name in sorted(self.counts):
            print(f'{self.counts[name]:6}  {name}')
        print('killed in a row before a good call: '
              + ', '.join(f'{n} ({self.bursts[n]} times)' for n in sorted(self.bursts)))
        if missing:
            print(f'{len(missing)} steps were not killed at, for example {missing[:3]}')
        print(f'{self.options.rounds} rounds, {wrong} wrong')
        # A long run has the time for all; a short one cannot.
        return wrong == 0 and (not missing or self.options.rounds < 500)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', default='build', help='build folder')
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument('--modes', default=','.join(MODES), help=','.join(MODES))
    parser.add_argument('--keep', action='store_true', help='leave the files')
    options = parser.parse_args()
    programs = {'ours': os.path.join(options.build, 'tests/cache/end')}
    bzrtp = os.path.join(options.build, 'tests/cache/bzrtp-end')
    if os.path.exists(bzrtp):
        programs['bzrtp'] = bzrtp
    os.environ.update(GST_REGISTRY_DISABLE='yes', GST_PLUGIN_SYSTEM_PATH_1_0='', G_SLICE='always-malloc')
    folder = tempfile.mkdtemp(prefix='gst-zrtp-kill-')
    begin = time.monotonic()
    run = Run(options, programs, folder)
    wrong = run.all()
    ok = run.summary(wrong, time.monotonic() - begin)
    if options.keep or wrong:
        print(f'the files are in {folder}')
    else:
        shutil.rmtree(folder)
    return 0 if ok else 1


if __name__ == '__main__':
    sys.exit(main())
