#!/usr/bin/env python3
"""Makes calls between programs over UDP sockets on loopback and judges all ends.

One end is zrtp-peer (this library without a pipeline), the other bzrtp-peer (Belledonne's bzrtp),
or with --self a second zrtp-peer. rows.py has the calls. Prints TAP; --write-docs writes
docs/interop.md.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import sys
import tempfile

import document
import rows
from peers import WRONG_ROLE, Ends, Ports, find_program, version

ENOUGH = 50  # packets that must come through each way
MOST_CALLS = 80  # for one row, until contention gives the role; half of the calls do, for each stream
SAS_FORM = {'B32': r'[ybndrfg8ejkmcpqxot1uwisza345h769]{4}', 'B256': r'[a-z]+ [a-z]+'}


@dataclasses.dataclass
class Outcome:
    row: rows.Row
    results: list  # of each call: side -> {'exit': code, 'streams': [fields]}
    problems: list  # of each call; empty = as it should be
    log: str

    def all_problems(self):
        return [problem for problems in self.problems for problem in problems]


# --- A row -----------------------------------------------------------------------------------------

def with_ports(row, call, ports, folder):
    """Side -> the command line of a call."""
    local, remote = {}, {}
    for ends in row.links():
        port = {end: ports.take() for end in ends}
        for here, there in (ends, ends[::-1]):
            local[here], remote[here] = port[here], port[there]
    lines = {}
    for side in row.sides():
        streams = [(side, i) for i in range(row.n_streams(side))]
        words = [*row.arguments(side), '--local-port', ','.join(local[s] for s in streams),
                 '--remote-port', ','.join(remote[s] for s in streams), call.tell.get(side, '')]
        lines[side] = ' '.join(words).format(cache=folder / 'theirs.db')
    return dict(reversed(lines.items())) if row.late == 'ours' else lines


def spoilt(line):
    """A HELLO-HASH line with one digit changed."""
    return line[:-1] + ('0' if line[-1] != '0' else '1')


def make_calls(row, programs, ports):
    """All calls of the row, by the same processes. None when contention gave the wrong role."""
    outcome = Outcome(row, [], [], '')
    ends = Ends({side: programs[side] for side in row.sides()})
    stop = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for call in row.calls:
            results = ends.call(with_ports(row, call, ports, folder),
                                lambda side, line, call=call: line if call.spoil in ('', side) else spoilt(line),
                                0.5 if row.late else 0)
            exits = [result['exit'] for result in results.values()]
            stop = str(WRONG_ROLE) in exits or None in exits or 'died' in exits
            before = outcome.results[-1] if outcome.results else None
            outcome.results.append(results)
            outcome.problems.append([*judge(row, call, results, before)])
            if stop:
                break
        outcome.problems[-1] += ends.close(kill=stop)
    outcome.log = ends.log
    return None if str(WRONG_ROLE) in exits else outcome


def run_row(row, programs, ports):
    """Commit contention is a throw of dice: calls until it gives the role of the row."""
    for _ in range(MOST_CALLS):
        outcome = make_calls(row, programs, ports)
        if outcome:
            return outcome
    return Outcome(row, [{}], [[f'contention never made us {row.role}']], '')


# --- Judgement -------------------------------------------------------------------------------------

def normal_sas(sas):
    return sas.replace(':', ' ').lower()


def same_sas(ours, theirs):
    return ours.get('sas', '-') != '-' and normal_sas(ours['sas']) == normal_sas(theirs.get('sas', '-'))


def fields_of(results, end):
    """What the RESULT line of (side, stream) said."""
    side, stream = end
    streams = results[side]['streams']
    return streams[stream] if stream < len(streams) else {}


def judge_stream(row, end, fields):
    """A stream that must be secure and have heard the other one."""
    name = f'{end[0]} {end[1]}'
    if fields.get('secure') != 1:
        yield f'{name}: not secure'
        return
    if fields['status'] != 'OK':
        yield f'{name}: status {fields["status"]}, {fields["rejected"]} packets rejected'
    wanted = row.wanted()
    if fields['mode'] == 'multistream':
        wanted = {'ka': 'Mult', 'hash': row.hash, 'cipher': row.cipher}
    for field, value in wanted.items():
        if fields[field] != value:
            yield f'{name}: {field} is {fields[field]}, not {value}'
    if fields['sas'] != '-' and not re.fullmatch(SAS_FORM.get(fields['sas_type'], ''), normal_sas(fields['sas'])):
        yield f'{name}: "{fields["sas"]}" is no {fields["sas_type"]} SAS'
    if fields['pattern_ok'] < ENOUGH:
        yield f'{name}: {fields["pattern_ok"]} right packets, {ENOUGH} needed'
    if not row.loss and fields['rtcp'] == 0:
        yield f'{name}: no SRTCP packet came through'


def judge_link(row, call, one, other):
    """Two streams that are secure with each other."""
    for field in ('ka', 'hash', 'cipher', 'auth', 'sas_type', 'mode'):
        if one[field] != other[field]:
            yield f'{field} differs: {one[field]}, {other[field]}'
    exported = {end['exported'] for end in (one, other) if 'exported' in end}
    if len(exported) > 1:
        yield f'exported keys differ: {exported}'
    if '-' not in (one['role'], other['role']) and other['role'] != rows.OPPOSITE[one['role']]:
        yield f'roles: {one["role"]}, {other["role"]}'
    if row.role not in ('any', one['role']):
        yield f'our role is {one["role"]}, not {row.role}'
    if call.exact and not row.loss:
        for receiver, sender in ((one, other), (other, one)):
            if receiver['pattern_ok'] != sender['sent']:
                yield f'{sender["sent"]} packets sent, {receiver["pattern_ok"]} received'


def is_as_expected(value, operator, wanted):
    if operator == '=':
        return str(value) == wanted
    return int(value) >= int(wanted) if operator == '>=' else int(value) <= int(wanted)


def judge_expectations(call, results):
    for side, text in call.expect.items():
        for word in text.split():
            name, stream, operator, wanted = re.fullmatch(r'(\w+)(?:@(\d))?(=|>=|<=)(.*)', word).groups()
            value = fields_of(results, (side, int(stream or 0))).get(name, '-')
            if not is_as_expected(value, operator, wanted):
                yield f'{side}: {name} is {value}, expected {word}'


def judge_secrets(call, results, before):
    """Which retained secret each end has after the call."""
    now = {side: fields_of(results, (side, 0)).get('rs1', '-') for side in results}
    for field in call.same.split():
        values = {fields_of(results, (side, 0)).get(field, '-') for side in results}
        if len(values) != 1 or '-' in values:
            yield f'{field} is not the same at both ends: {values}'
    for side in call.kept.split():
        if now[side] != fields_of(before, (side, 0)).get('rs1'):
            yield f'{side}: the retained secret was overwritten'
    for side in call.changed.split():
        if now[side] in ('-', fields_of(before, (side, 0)).get('rs1')):
            yield f'{side}: there is no new retained secret'


def judge_relayed(row, results):
    phone, other = fields_of(results, ('phone', 0)), fields_of(results, (row.pbx, 0))
    for field in ('relayed_sas', 'session_sas'):
        if phone.get(field, '-') != other['sas']:
            yield f'the phone shows {phone.get(field)}, and the SAS of the other leg is {other["sas"]}'
    if phone['sas'] == other['sas']:
        yield 'both legs have the same SAS: nothing was shown'


def judge_fault(row, results):
    """The call gets secure, but not one packet of the spoilt stream may be accepted."""
    victim = 'theirs' if row.fault == 'ours' else 'ours'
    for end in (end for link in row.links() for end in link):
        fields = fields_of(results, end)
        spoilt_here = end == (victim, row.fault_stream)
        if fields.get('secure') != 1:
            yield f'{end[0]} {end[1]}: not secure, so it could not notice'
        elif spoilt_here and (fields['status'] != 'FAIL' or fields['decrypted'] != 0):
            yield f'{victim}: status {fields["status"]}, {fields["decrypted"]} packets decrypted with a wrong key'
        elif not spoilt_here and fields['status'] != 'OK':
            yield f'{end[0]} {end[1]}: status {fields["status"]}, and its key is right'
    if results[victim]['exit'] == '0':
        yield f'{victim}: ended as if all were well'


def judge_sas(row, call, results):
    """There is one SAS in a call (§7), made by the one exchange that is not in Multistream mode."""
    calls = [row.links()[:1], row.links()[1:]] if row.pbx else [row.links()]
    for links in calls:
        fields = [[fields_of(results, end) for end in link] for link in links]
        made = [link for link in fields if link[0]['mode'] != 'multistream']
        if call.exact and len(made) != 1:
            yield f'{len(made)} streams are not in Multistream mode'
        if not all(same_sas(*link) for link in made):
            yield 'SAS differ: ' + ', '.join(f'{one["sas"]} and {other["sas"]}' for one, other in made)
        if len({normal_sas(end['sas']) for link in fields for end in link} - {'-'}) != 1:
            yield f'not one SAS: {[[end["sas"] for end in link] for link in fields]}'


def judge_media(row, call, results):
    for side, result in results.items():
        if result['exit'] != '0':
            yield f'{side}: exit {result["exit"]}'
    problems = [problem for link in row.links() for end in link
                for problem in judge_stream(row, end, fields_of(results, end))]
    yield from problems
    if problems:
        return
    for link in row.links():
        yield from judge_link(row, call, *(fields_of(results, end) for end in link))
    yield from judge_sas(row, call, results)


def judge(row, call, results, before):
    silent = [side for side, result in results.items() if len(result['streams']) != row.n_streams(side)]
    if silent:
        yield f'no RESULT lines of {" and ".join(silent)}'
        return
    if row.fault:
        yield from judge_fault(row, results)
        return
    if call.secure:
        problems = [*judge_media(row, call, results)]
        yield from problems
        if problems:
            return
    yield from judge_expectations(call, results)
    yield from judge_secrets(call, results, before)
    if call.relayed:
        yield from judge_relayed(row, results)


# --- Main ------------------------------------------------------------------------------------------

def print_tap(number, outcome):
    problems = outcome.all_problems()
    print(f'{"not ok" if problems else "ok"} {number} - {outcome.row.name()}')
    if problems:
        for line in problems + outcome.log.splitlines():
            print(f'# {line}')
    sys.stdout.flush()


def run_sections(sections, programs, jobs, first=1):
    """Section -> outcomes."""
    ports = Ports()
    everything = [row for section in sections.values() for row in section]
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for outcome in pool.map(lambda row: run_row(row, programs, ports), everything):
            outcomes.append(outcome)
            print_tap(first + len(outcomes) - 1, outcome)
    rest = iter(outcomes)
    return {name: [next(rest) for _ in section] for name, section in sections.items()}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=pathlib.Path, default='build', help='the build folder')
    parser.add_argument('--quick', action='store_true', help='a subset that takes seconds')
    parser.add_argument('--self', action='store_true', help='zrtp-peer against zrtp-peer')
    parser.add_argument('--jobs', type=int, default=10, help='rows at a time')
    parser.add_argument('--match', metavar='TEXT', default='', help='only rows with this in their name')
    parser.add_argument('--write-docs', type=pathlib.Path, metavar='FILE',
                        help='make all calls, against bzrtp and against ourselves, and write them as Markdown')
    arguments = parser.parse_args()
    if arguments.write_docs and (arguments.quick or arguments.self or arguments.match):
        parser.error('--write-docs documents all rows: leave out --quick, --self and --match')
    return arguments


def main():
    arguments = parse_arguments()
    ours = find_program(arguments.build, 'zrtp-peer')
    theirs = ours if arguments.self else find_program(arguments.build, 'bzrtp-peer')
    sections = (rows.self_sections if arguments.self else rows.bzrtp_sections)(arguments.quick)
    sections = {name: [row for row in section if arguments.match in row.name()] for name, section in sections.items()}
    more = rows.self_sections() if arguments.write_docs else {}
    print(f'1..{sum(len(section) for section in [*sections.values(), *more.values()])}')
    print(f'# {version(ours)} with {version(theirs)}')
    our_sides = {'ours': ours, 'phone': ours, 'pbx': ours, 'other': ours}
    outcomes = run_sections(sections, {**our_sides, 'theirs': theirs}, arguments.jobs)
    outcomes |= run_sections(more, {**our_sides, 'theirs': ours}, arguments.jobs,
                             1 + sum(len(section) for section in sections.values()))
    if arguments.write_docs:
        document.write(arguments.write_docs, outcomes, version(ours), version(theirs), ENOUGH)
    failed = [outcome for section in outcomes.values() for outcome in section if outcome.all_problems()]
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
