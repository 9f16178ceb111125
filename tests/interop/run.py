#!/usr/bin/env python3
"""Runs calls between two programs over UDP sockets on loopback and judges both ends.

One end is zrtp-peer (this library without a pipeline), the other bzrtp-peer (Belledonne's bzrtp),
or with --self a second zrtp-peer. Prints TAP; --write-docs writes the table of docs/interop.md.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

ENOUGH = 50  # packets that must come through each way
CLEAN = 70  # SRTP packets sent in a call without loss
LOSSY = 100  # ... with loss: 5 % at each socket loses 9.75 % each way
WRONG_ROLE = 3  # exit code of a peer when contention gave it the role it does not want
MOST_CALLS = 30  # for one row, until contention gives the role; half of the calls do
LIMIT = 60  # seconds for one call; the peers' own timeouts are shorter
OPPOSITE = {'initiator': 'responder', 'responder': 'initiator'}
SAS_FORM = {'B32': r'[ybndrfg8ejkmcpqxot1uwisza345h769]{4}', 'B256': r'[a-z]+ [a-z]+'}


@dataclasses.dataclass
class Row:
    """One call. `role` is ours; 'any' leaves it to Commit contention."""
    key_agreement: str
    hash: str = 'S256'
    cipher: str = 'AES1'
    auth: str = 'HS80'
    sas: str = 'B32'
    role: str = 'any'
    loss: int = 0
    seed: int = 1
    late: str = ''  # 'ours' or 'theirs' starts half a second after the other
    fault: str = ''  # 'ours' or 'theirs' protects with a wrong key, which the other must notice
    offer_ours: str = ''  # key agreements offered, when not just the expected one
    offer_theirs: str = ''
    no_clear: bool = False
    defaults: bool = False  # no lists given: what the libraries choose when left alone

    def wanted(self):
        """What the RESULT lines must say."""
        return {} if self.defaults else {
            'ka': self.key_agreement, 'hash': self.hash, 'cipher': self.cipher,
            'auth': self.auth, 'sas_type': self.sas}

    def name(self):
        parts = list(self.wanted().values())
        parts.append('either role' if self.role == 'any' else f'as {self.role}')
        if self.loss:
            parts.append(f'{self.loss} % loss')
        return ' '.join(parts) + (', ' + self.remark() if self.remark() else '')

    def remark(self):
        notes = []
        if self.defaults:
            notes.append('both offer their defaults')
        if self.loss:
            notes.append(f'seed {self.seed}')
        if self.offer_ours or self.offer_theirs:
            notes.append(f'we offer {self.offer_ours}, they {self.offer_theirs}')
        if self.late:
            notes.append(f'{"we start" if self.late == "ours" else "they start"} late')
        if self.no_clear:
            notes.append('no RTP before keys')
        if self.fault:
            notes.append(f'{"our" if self.fault == "ours" else "their"} SRTP key is spoilt '
                         'on purpose and the other end notices')
        return '; '.join(notes)

    def arguments(self, side):
        """What both programs are told, but for the ports."""
        offer = self.offer_ours if side == 'ours' else self.offer_theirs
        role = self.role if side == 'ours' else OPPOSITE.get(self.role, 'any')
        arguments = ['--role', role, '--interval', '10',
                     '--packets', str(LOSSY if self.loss else CLEAN),
                     '--timeout', '25' if self.loss else '10',
                     '--loss', str(self.loss),
                     '--seed', str(self.seed * 2 + (side == 'theirs'))]
        if not self.defaults:
            arguments += ['--key-agreements', offer or self.key_agreement, '--hashes', self.hash,
                          '--ciphers', self.cipher, '--auth-tags', self.auth,
                          '--sas-types', self.sas]
        if self.no_clear:
            arguments.append('--no-clear')
        if self.fault == side:
            arguments += ['--fault', 'send-key']
        return arguments


@dataclasses.dataclass
class Outcome:
    row: Row
    problems: list  # empty = as it should be
    ends: dict  # side -> fields of its RESULT line
    log: str


# --- Rows ----------------------------------------------------------------------------------------

def product_rows():
    """Every combination of what both ends can do, in both roles."""
    return [Row(*choice) for choice in itertools.product(
        ('X255', 'DH3k'), ('S256', 'S384'), ('AES1', 'AES3'), ('HS32', 'HS80'), ('B32', 'B256'),
        ('initiator', 'responder'))]


def loss_rows(key_agreements, seeds):
    return [Row(ka, role=role, loss=5, seed=seed) for ka, role, seed in itertools.product(
        key_agreements, ('initiator', 'responder'), seeds)]


def fault_rows(key_agreement='X255'):
    return [Row(key_agreement, fault='ours'), Row(key_agreement, fault='theirs')]


def quick_rows():
    """Each value of each kind in both roles, contention, loss, and the faults."""
    rows = [Row(*values, role) for values in (('X255', 'S256', 'AES1', 'HS80', 'B32'),
                                             ('DH3k', 'S384', 'AES3', 'HS32', 'B256'))
            for role in ('initiator', 'responder')]
    return rows + [Row('X255'), Row('DH3k')] + loss_rows(['X255'], [1]) + fault_rows()


def full_rows():
    rows = product_rows()
    rows += [Row(ka, hash=h) for ka in ('X255', 'DH3k') for h in ('S256', 'S384')]
    rows += [Row(ka, hash=h, cipher='AES1' if ka == 'DH2k' else 'AES3', role=role)
             for ka, h, role in itertools.product(('X448', 'DH2k'), ('S256', 'S384'), ('initiator', 'responder'))]
    rows += [Row('X255', offer_ours='E255,X255', offer_theirs='X255'),
             Row('X448', offer_ours='DH3k,X448', offer_theirs='X448,DH3k'),
             Row('X255', offer_ours='X255,DH3k', offer_theirs='DH3k,X255'),
             Row('DH3k', offer_ours='EC25', offer_theirs='X255'),
             Row('DH3k', offer_ours='DH3k', offer_theirs='X255,X448,DH3k')]
    rows += [Row('', defaults=True, role=role) for role in ('initiator', 'responder', 'any')]
    rows += [Row('X255', late='ours'), Row('X255', late='theirs'),
             Row('X255', no_clear=True, role='initiator'),
             Row('X255', no_clear=True, role='responder')]
    return rows + loss_rows(['X255', 'DH3k'], range(1, 5)) + fault_rows()


def self_rows(quick):
    """zrtp-peer against itself: the key agreements that bzrtp lacks, too."""
    weak = {'hash': 'S256', 'cipher': 'AES1', 'auth': 'HS80', 'sas': 'B32'}
    strong = {'hash': 'S384', 'cipher': 'AES3', 'auth': 'HS32', 'sas': 'B256'}
    rows = []
    for ka in ('X255', 'EC25', 'EC38', 'DH3k'):
        for suite in (strong,) if ka == 'EC38' else (weak, strong):
            rows += [Row(ka, **suite, role=role) for role in ('initiator', 'responder', 'any')]
        rows += [Row(ka, **strong, loss=5, seed=seed) for seed in range(1, 2 if quick else 4)]
    for values in (('E255', 'N256', 'AES1'), ('X448', 'S512', 'AES3'), ('EC38', 'N384', 'AES3'),
                   ('EC52', 'S512', 'AES3'), ('DH2k', 'S256', 'AES1')):
        rows += [Row(*values, role=role) for role in ('initiator', 'responder')]
    rows += [Row('E255', offer_ours='X255,E255', offer_theirs='E255'),
             Row('X255', offer_ours='E255,X255', offer_theirs='X255,E255')]
    return rows + fault_rows('EC25')


# --- One call ------------------------------------------------------------------------------------

class Ports:
    """UDP ports nobody uses, never the same one twice."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = set()

    def take(self):
        with self.lock:
            while True:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(('127.0.0.1', 0))
                    port = probe.getsockname()[1]
                if port not in self.given:
                    self.given.add(port)
                    return port


def parse_result(output):
    """The fields of the last line, or {} when it is no RESULT line."""
    lines = output.strip().splitlines()
    if not lines or not lines[-1].startswith('RESULT '):
        return {}
    fields = dict(word.split('=', 1) for word in lines[-1].split()[1:])
    return {name: int(value) if value.isdigit() and name != 'sas' else value
            for name, value in fields.items()}


def wait_for_both(processes):
    """Kills what does not end by itself, and whoever is left alone by a call of the wrong role."""
    deadline = time.monotonic() + LIMIT
    while any(process.poll() is None for process in processes):
        wrong_role = any(process.poll() == WRONG_ROLE for process in processes)
        if wrong_role or time.monotonic() > deadline:
            for process in processes:
                process.kill()
        time.sleep(0.02)


def run_row(row, programs, ports):
    """Commit contention is a throw of dice: calls until it gives the role of the row."""
    for attempt in range(MOST_CALLS):
        outcome = call(row, programs, ports)
        if not any(end['exit'] == WRONG_ROLE for end in outcome.ends.values()):
            break
    return outcome


def call(row, programs, ports):
    port = {'ours': ports.take(), 'theirs': ports.take()}
    # the peers need no plugin; looking for them would take longer than the call
    environment = dict(os.environ, GST_REGISTRY_DISABLE='yes', GST_PLUGIN_SYSTEM_PATH_1_0='',
                       GST_PLUGIN_PATH_1_0='', GST_PLUGIN_PATH='')
    order = ('theirs', 'ours') if row.late == 'ours' else ('ours', 'theirs')
    processes = {}
    log = ''
    for side in order:
        other = 'theirs' if side == 'ours' else 'ours'
        command = [programs[side], '--local-port', str(port[side]),
                   '--remote-port', str(port[other]), *row.arguments(side)]
        log += f'{side}: {" ".join(command)}\n'
        processes[side] = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment,
                                           stderr=subprocess.PIPE, text=True)
        if row.late and side == order[0]:
            time.sleep(0.5)
    wait_for_both(processes.values())
    ends = {}
    for side in order:
        output, errors = processes[side].communicate()
        ends[side] = parse_result(output)
        ends[side]['exit'] = processes[side].returncode
        log += f'{side}: exit {processes[side].returncode}\n{errors}{output}'
    problems = judge_fault(row, ends) if row.fault else judge(row, ends)
    return Outcome(row, problems, ends, log)


# --- Judgement -----------------------------------------------------------------------------------

def normal_sas(sas):
    return sas.replace(':', ' ').lower()


def same_sas(ours, theirs):
    return 'sas' in ours and 'sas' in theirs and ours['sas'] != '-' and \
        normal_sas(ours['sas']) == normal_sas(theirs['sas'])


def judge_end(row, side, end):
    if 'status' not in end:
        yield f'{side}: no RESULT line'
        return
    if end['secure'] != 1:
        yield f'{side}: not secure'
        return
    if end['status'] != 'OK' or end['exit'] != 0:
        yield f'{side}: status {end["status"]}, exit {end["exit"]}'
    for field, value in row.wanted().items():
        if end[field] != value:
            yield f'{side}: {field} is {end[field]}, not {value}'
    if not re.fullmatch(SAS_FORM.get(end['sas_type'], ''), normal_sas(end['sas'])):
        yield f'{side}: "{end["sas"]}" is no {end["sas_type"]} SAS'
    if end['pattern_ok'] < ENOUGH:
        yield f'{side}: {end["pattern_ok"]} right packets, {ENOUGH} needed'
    if not row.loss and end['rtcp'] == 0:
        yield f'{side}: no SRTCP packet came through'


def judge(row, ends):
    problems = [*judge_end(row, 'ours', ends['ours']), *judge_end(row, 'theirs', ends['theirs'])]
    if problems:
        return problems
    ours, theirs = ends['ours'], ends['theirs']
    for field in ('ka', 'hash', 'cipher', 'auth', 'sas_type'):
        if ours[field] != theirs[field]:
            problems.append(f'{field} differs: {ours[field]}, {theirs[field]}')
    if not same_sas(ours, theirs):
        problems.append(f'SAS differ: {ours["sas"]}, {theirs["sas"]}')
    if theirs['role'] != OPPOSITE.get(ours['role']):
        problems.append(f'roles: {ours["role"]}, {theirs["role"]}')
    if row.role not in ('any', ours['role']):
        problems.append(f'our role is {ours["role"]}, not {row.role}')
    if not row.loss:  # then not one protected packet may be lost, not even the first
        for receiver, sender in ((ours, theirs), (theirs, ours)):
            if receiver['pattern_ok'] != sender['sent']:
                problems.append(f'{sender["sent"]} packets sent, {receiver["pattern_ok"]} received')
    return problems


def judge_fault(row, ends):
    """The call gets secure, but not one packet from the spoilt side may be accepted."""
    victim = 'theirs' if row.fault == 'ours' else 'ours'
    end = ends[victim]
    if end.get('secure') != 1:
        return [f'{victim}: not secure, so it could not notice']
    if end['status'] != 'FAIL' or end['exit'] == 0 or end['decrypted'] != 0:
        return [f'{victim}: status {end["status"]}, {end["decrypted"]} packets decrypted with a '
                'wrong key']
    return []


# --- Reports -------------------------------------------------------------------------------------

def print_tap(number, outcome):
    verdict = 'not ok' if outcome.problems else 'ok'
    print(f'{verdict} {number} - {outcome.row.name()}')
    if outcome.problems:
        for line in outcome.problems + outcome.log.splitlines():
            print(f'# {line}')
    sys.stdout.flush()


def version(program):
    return subprocess.run([program, '--version'], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


DOCUMENT = '''# Interoperability

Calls between **{ours}** (`zrtp-peer`: the library without a pipeline) and **{theirs}**
(`bzrtp-peer`), each end a process of its own, over UDP sockets on loopback. Both ends do their SRTP
with libsrtp2, from the keys that their own ZRTP gave them.

A call passes when both ends are secure with the algorithms asked for, show the same SAS, play
opposite roles, and SRTP packets with the expected payload came through each way: all of them
without loss, at least {enough} with loss. Loss is applied to each datagram, ZRTP and media alike, on
sending and again on receiving. In the last rows one end protects with a wrong key on purpose: they
pass when the other end accepts nothing.

The role is ours; "either" takes what Commit contention gives (RFC 6189 §4.2). We commit as soon as
we have the peer's Hello, so we are responder only when our Commit loses: those calls are made again
until it does. bzrtp commits only after a HelloACK: where we are initiator, it gets none. "Packets
out" counts ours that the other end decrypted with the right payload, "packets in" theirs that we
did.

{passed} of {total} calls passed. Written by

    {command}

| # | key agreement | hash | cipher | auth tag | SAS | role | loss | remark | result | SAS equal | packets out | packets in |
|--:|---|---|---|---|---|---|--:|---|---|---|--:|--:|
{rows}
'''


def table_row(number, outcome):
    row, ours, theirs = outcome.row, outcome.ends['ours'], outcome.ends['theirs']
    role = ours.get('role', '-') if row.role != 'any' else f'either ({ours.get("role", "-")})'
    algorithms = [ours.get(field, '-') for field in ('ka', 'hash', 'cipher', 'auth', 'sas_type')]
    result = 'failed: ' + outcome.problems[0] if outcome.problems else 'passed'
    cells = [number, *algorithms, role, f'{row.loss} %', row.remark(), result,
             'yes' if same_sas(ours, theirs) else 'no',
             f'{theirs.get("pattern_ok", 0)} of {ours.get("sent", 0)}',
             f'{ours.get("pattern_ok", 0)} of {theirs.get("sent", 0)}']
    return '| ' + ' | '.join(str(cell) for cell in cells) + ' |'


def write_document(path, outcomes, programs):
    path.write_text(DOCUMENT.format(
        ours=version(programs['ours']), theirs=version(programs['theirs']), enough=ENOUGH,
        passed=sum(not outcome.problems for outcome in outcomes), total=len(outcomes),
        command='python3 tests/interop/run.py --build build --write-docs docs/interop.md',
        rows='\n'.join(table_row(i, outcome) for i, outcome in enumerate(outcomes, 1))))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=pathlib.Path, default='build', help='the build folder')
    parser.add_argument('--quick', action='store_true', help='a subset that takes seconds')
    parser.add_argument('--self', action='store_true', help='zrtp-peer against zrtp-peer')
    parser.add_argument('--jobs', type=int, default=6, help='calls at a time')
    parser.add_argument('--write-docs', type=pathlib.Path, metavar='FILE',
                        help='write the table of all rows as Markdown')
    arguments = parser.parse_args()
    if arguments.write_docs and (arguments.quick or arguments.self):
        parser.error('--write-docs documents all rows against bzrtp: leave out --quick and --self')
    return arguments


def find_programs(build, against_self):
    names = {'ours': 'zrtp-peer', 'theirs': 'zrtp-peer' if against_self else 'bzrtp-peer'}
    programs = {side: build / 'tests' / 'interop' / name for side, name in names.items()}
    for program in programs.values():
        if not program.exists():
            sys.exit(f'{program} is not there: build it with meson compile -C {build}')
    return {side: str(program.resolve()) for side, program in programs.items()}


def main():
    arguments = parse_arguments()
    programs = find_programs(arguments.build, arguments.self)
    if arguments.self:
        rows = self_rows(arguments.quick)
    else:
        rows = quick_rows() if arguments.quick else full_rows()
    print(f'1..{len(rows)}')
    print(f'# {version(programs["ours"])} with {version(programs["theirs"])}')
    ports = Ports()
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(lambda row: run_row(row, programs, ports), rows):
            outcomes.append(outcome)
            print_tap(len(outcomes), outcome)
    if arguments.write_docs:
        write_document(arguments.write_docs, outcomes, programs)
    return 1 if any(outcome.problems for outcome in outcomes) else 0


if __name__ == '__main__':
    sys.exit(main())
