#!/usr/bin/python3
"""docs/state-machine.md and docs/state-machine.svg, from the engine's table and from what the tests saw.

    states.py --table PROGRAM WATCHED...            compares, prints TAP
    states.py --table PROGRAM WATCHED... --write    writes both files

PROGRAM is print-states; WATCHED are the programs that run whole negotiations and write down each change of
state (tests/protocol/watch.h). What stands in the table is known from the code; what a handler does with the
state is not, so the arrows are those that were seen.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import collections
import os
import pathlib
import subprocess
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / 'docs'
PAGE, PICTURE = DOCS / 'state-machine.md', DOCS / 'state-machine.svg'

Machine = collections.namedtuple('Machine', 'states results handlers seen')
Seen = collections.namedtuple('Seen', 'state cause result next')

# --- The picture: where the boxes stand and how the arrows run -----------------------------------------------

WIDTH, HEIGHT = 1000, 860
BOX = 132, 36
LEFT, MIDDLE, RIGHT, FAR = 190, 430, 670, 870

PLACES = {
    'Idle': (MIDDLE, 40),
    'Discovery': (MIDDLE, 120),
    'Commit sent': (LEFT, 240),
    'DHPart1 sent': (RIGHT, 300),
    'DHPart2 sent': (LEFT, 360),
    'Confirm1 sent': (RIGHT, 420),
    'Confirm2 sent': (LEFT, 480),
    'Secure': (MIDDLE, 590),
    'GoClear sent': (LEFT, 690),
    'Clear waiting': (RIGHT, 690),
    'Clear': (MIDDLE, 790),
    'Error sent': (FAR, 250),
    'Failed': (FAR, 340),
}
# From these the arrows to Error sent and Failed are drawn as one, from the frame around them.
NEGOTIATION = ('Commit sent', 'DHPart1 sent', 'DHPart2 sent', 'Confirm1 sent', 'Confirm2 sent')
FRAME = 78, 196, 676, 320  # x, y, width, height
GROUP = 'negotiation'

# The arrow's points, where its label stands, and which end of the label that is; no label for the frame's.
ROUTES = {
    ('Idle', 'Discovery'): ([(430, 58), (430, 102)], (438, 84), 'start'),
    ('Discovery', 'Commit sent'): ([(364, 120), (190, 120), (190, 222)], (198, 112), 'start'),
    ('Discovery', 'DHPart1 sent'): ([(496, 128), (670, 128), (670, 282)], (662, 146), 'end'),
    ('Discovery', 'Confirm1 sent'): ([(480, 138), (480, 428), (604, 428)], (488, 184), 'start'),
    ('Discovery', 'Error sent'): ([(496, 112), (870, 112), (870, 232)], (862, 104), 'end'),
    ('Commit sent', 'Discovery'): ([(256, 232), (400, 232), (400, 138)], (392, 184), 'end'),
    ('Commit sent', 'DHPart1 sent'): ([(256, 244), (604, 296)], (500, 272), 'start'),
    ('Commit sent', 'DHPart2 sent'): ([(190, 258), (190, 342)], (198, 310), 'start'),
    ('Commit sent', 'Confirm1 sent'): ([(256, 254), (604, 412)], (412, 344), 'end'),
    ('Commit sent', 'Confirm2 sent'): ([(124, 252), (100, 252), (100, 480), (124, 480)], (108, 310), 'start'),
    ('DHPart1 sent', 'Confirm1 sent'): ([(670, 318), (670, 402)], (678, 366), 'start'),
    ('DHPart2 sent', 'Confirm2 sent'): ([(190, 378), (190, 462)], (198, 426), 'start'),
    ('Confirm1 sent', 'Secure'): ([(650, 438), (650, 590), (496, 590)], (642, 582), 'end'),
    ('Confirm1 sent', 'Clear waiting'): ([(690, 438), (690, 672)], (698, 620), 'start'),
    ('Confirm1 sent', 'Clear'): ([(736, 430), (808, 430), (808, 802), (496, 802)], (816, 620), 'start'),
    ('Confirm2 sent', 'Secure'): ([(190, 498), (190, 590), (364, 590)], (198, 582), 'start'),
    ('Secure', 'GoClear sent'): ([(400, 608), (400, 646), (190, 646), (190, 672)], (198, 638), 'start'),
    ('Secure', 'Clear waiting'): ([(460, 608), (460, 646), (640, 646), (640, 672)], (632, 638), 'end'),
    ('GoClear sent', 'Clear'): ([(190, 708), (190, 790), (364, 790)], (198, 782), 'start'),
    ('Clear waiting', 'Clear'): ([(630, 708), (630, 780), (496, 780)], (622, 772), 'end'),
    ('Clear waiting', 'Commit sent'): ([(660, 708), (660, 838), (40, 838), (40, 232), (124, 232)],
                                       (652, 832), 'end'),
    ('Clear waiting', 'Confirm1 sent'): ([(736, 690), (768, 690), (768, 410), (736, 410)], (762, 560), 'end'),
    ('Clear', 'Commit sent'): ([(400, 808), (400, 822), (56, 822), (56, 244), (124, 244)], (64, 816), 'start'),
    ('Clear', 'Confirm1 sent'): ([(496, 791), (788, 791), (788, 420), (736, 420)], (780, 784), 'end'),
    (GROUP, 'Error sent'): ([(754, 250), (804, 250)], (0, 0), None),
    (GROUP, 'Failed'): ([(754, 340), (804, 340)], (0, 0), None),
    ('Error sent', 'Failed'): ([(870, 268), (870, 322)], (878, 300), 'start'),
}

STYLE = '''
  .paper { fill: #ffffff } .box { fill: #eef2f6; stroke: #4a5a6a } .frame { fill: none; stroke: #8494a4;
  stroke-dasharray: 5 4 } .line { fill: none; stroke: #4a5a6a; stroke-width: 1.4 } .tip { fill: #4a5a6a }
  text { fill: #1c2733 } .label { fill: #2a5f8a; font-size: 12px } .secure { fill: #d9efe4; stroke: #2a7f62 }
  .failed { fill: #f7e3de; stroke: #b4492f }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #12181f } .box { fill: #1f2a35; stroke: #8ea2b5 } .frame { stroke: #5d6d7d }
    .line { stroke: #8ea2b5 } .tip { fill: #8ea2b5 } text { fill: #e6edf3 } .label { fill: #8ec5f0 }
    .secure { fill: #173b2e; stroke: #4fb893 } .failed { fill: #442019; stroke: #e08066 }
  }
'''


def kind_of(state):
    return {'Secure': 'box secure', 'Error sent': 'box failed', 'Failed': 'box failed'}.get(state, 'box')


def own_causes(causes):
    """What concerns other streams too is said once."""
    own = [cause for cause in causes if not cause.startswith('another stream')]
    return own or ['another stream']


def arrows(machine):
    """{(from, to): causes} of the changes of state, those into failure from a negotiation as one."""
    found = collections.defaultdict(list)
    for seen in sorted(machine.seen, key=lambda seen: (seen.state, seen.next, seen.cause)):
        start, end = machine.states[seen.state], machine.states[seen.next]
        if start in NEGOTIATION and end in ('Error sent', 'Failed'):
            start = GROUP
        if start != end and seen.cause not in found[start, end]:
            found[start, end].append(seen.cause)
    return {way: own_causes(causes) for way, causes in found.items() if causes}


def draw_box(state):
    (x, y), (width, height) = PLACES[state], BOX
    return (f'<rect class="{kind_of(state)}" x="{x - width // 2}" y="{y - height // 2}" width="{width}" '
            f'height="{height}" rx="6"/><text x="{x}" y="{y + 5}" text-anchor="middle">{state}</text>')


def straight(way):
    """For an arrow that nobody has laid yet: from border to border, the label in the middle."""
    (x1, y1), (x2, y2) = PLACES[way[0]], PLACES[way[1]]
    down = (y2 > y1) - (y2 < y1)
    right = 0 if down else (x2 > x1) - (x2 < x1)
    points = [(x1 + right * BOX[0] // 2, y1 + down * BOX[1] // 2), (x2 - right * BOX[0] // 2, y2 - down * BOX[1] // 2)]
    return points, ((x1 + x2) // 2 + 8, (y1 + y2) // 2), 'start'


def draw_arrow(way, causes):
    points, (x, y), anchor = ROUTES.get(way) or straight(way)
    path = f'<polyline class="line" marker-end="url(#tip)" points="{" ".join(f"{px},{py}" for px, py in points)}"/>'
    if not anchor:
        return path
    return path + f'<text class="label" x="{x}" y="{y}" text-anchor="{anchor}">{", ".join(causes)}</text>'


def picture(machine):
    drawn = arrows(machine)
    lost = [state for state in machine.states if state not in PLACES]
    if lost:
        raise SystemExit('states.py has no place in the picture for: ' + '; '.join(lost))
    x, y, width, height = FRAME
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
             f'height="{HEIGHT}" font-family="sans-serif" font-size="14">', f'<style>{STYLE}</style>',
             '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
             'orient="auto-start-reverse"><path class="tip" d="M0 0 10 5 0 10z"/></marker></defs>',
             '<rect class="paper" width="100%" height="100%" rx="8"/>',
             f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>']
    parts += [draw_arrow(way, causes) for way, causes in drawn.items()]
    parts += [draw_box(state) for state in machine.states]
    return '\n'.join(parts) + '\n</svg>\n'


# --- The page ---------------------------------------------------------------------------------------------------

INTRODUCTION = '''# The state machine

![States and messages](state-machine.svg)

An engine is the negotiation of one stream (`gst/protocol/engine.h`). The table in `gst/protocol/engine.c` has for
each state the messages that are expected in it, and the function that handles each; any other message is dropped and
counted as unexpected. The arrows are the changes of state that the tests of whole negotiations have seen
(`tests/protocol/watch.h`); those out of the dashed frame begin at one state or more inside it, and the tables say at
which. A record is the answer of the cache when the engine has asked for what is known of the peer; a stream has its
turn when another one of the call has made the Diffie-Hellman exchange.

Made by `tests/conformance/states.py` (`ninja -C build state-machine`). The suite `conformance` fails when a test sees
what does not stand here, when something stands here that no test sees, and when an entry of the table is taken by no
test.
'''


def outcomes(machine, state, message):
    """What tests saw of a message in a state: "accepted, then Secure; repeated"."""
    found = sorted((seen.result, seen.next) for seen in machine.seen
                   if (seen.state, seen.cause) == (state, message) and seen.result >= 0)
    return '; '.join(machine.results[result] + (f', then {machine.states[after]}' if after != state else '')
                     for result, after in found)


def page(machine):
    lines = [INTRODUCTION, '## The table\n', '| state | message | function | what came of it |', '|---|---|---|---|']
    for state, message, function in machine.handlers:
        lines.append(f'| {machine.states[state]} | {message} | `{function}` | {outcomes(machine, state, message)} |')
    lines += ['', '## What else changes the state\n', '| state | cause | next state |', '|---|---|---|']
    for seen in sorted(machine.seen):
        if seen.result < 0 and seen.state != seen.next:
            lines.append(f'| {machine.states[seen.state]} | {seen.cause} | {machine.states[seen.next]} |')
    return '\n'.join(lines) + '\n'


# --- Reading ------------------------------------------------------------------------------------------------------

def read_machine(table, watched):
    states, results, handlers, seen = [], [], [], set()
    for line in subprocess.run([table], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        kind, number, *words = line.split('\t')
        if kind == 'handler':
            handlers.append((int(number), words[0].strip(), words[1]))
        else:
            (states if kind == 'state' else results).append(words[0])
    with tempfile.NamedTemporaryFile('r') as file:
        for program in watched:
            if subprocess.run([program], env=os.environ | {'ZRTP_TRANSITIONS': file.name},
                              stdout=subprocess.DEVNULL).returncode:
                raise SystemExit(f'{program} failed; its own test says why')
        for line in file:
            state, cause, result, after = line.rstrip('\n').split('\t')
            seen.add(Seen(int(state), cause.strip(), int(result), int(after)))
    return Machine(states, results, handlers, seen)


def troubles(machine):
    """What makes the page untrue or poor."""
    for state, message, function in machine.handlers:
        if not outcomes(machine, state, message):
            yield f'no test takes {message} in {machine.states[state]} ({function})'
    for seen in sorted(machine.seen):
        if seen.cause == '?':
            yield (f'{machine.states[seen.state]} became {machine.states[seen.next]} and nobody saw why: '
                   'let tests/protocol/watch.h watch the function')


def report(number, name, found):
    found = list(found)
    for trouble in found:
        print(f'# {trouble}')
    print(f'{"not ok" if found else "ok"} {number} {name}', flush=True)
    return bool(found)


def differences(path, text):
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
        yield f'docs/{path.name} is not what the tests see: run ninja -C build state-machine'


def main():
    parser = argparse.ArgumentParser(description='Prints the state machine.')
    parser.add_argument('--table', required=True)
    parser.add_argument('--write', action='store_true')
    parser.add_argument('watched', nargs='+')
    arguments = parser.parse_args()
    machine = read_machine(arguments.table, arguments.watched)
    made = {PAGE: page(machine), PICTURE: picture(machine)}
    if arguments.write:
        for path, text in made.items():
            path.write_text(text, encoding='utf-8')
        return False
    failed = report(1, 'every entry of the table is taken', troubles(machine))
    for number, (path, text) in enumerate(made.items(), 2):
        failed |= report(number, path.name, differences(path, text))
    print('1..3')
    return failed


if __name__ == '__main__':
    raise SystemExit(main())
