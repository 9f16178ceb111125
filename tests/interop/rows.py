"""What is tried: the rows of calls, and what each call must show.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import dataclasses
import itertools

CLEAN = 70  # SRTP packets sent in a call without loss
STORY = 60  # ... in one of several calls
LOSSY = 100  # ... with loss
OPPOSITE = {'initiator': 'responder', 'responder': 'initiator'}


@dataclasses.dataclass
class Call:
    """One call of a row, between all its sides."""
    what: str = ''  # for the table
    tell: dict = dataclasses.field(default_factory=dict)  # side -> more of the command line
    # side -> 'name=value …' that its first stream, or with name@2=value its third, must show; '-' = no such field
    expect: dict = dataclasses.field(default_factory=dict)
    same: str = ''  # names of fields that both ends must show alike
    kept: str = ''  # sides whose retained secret must be the one of the call before
    changed: str = ''  # ... must be another one
    secure: bool = True  # all streams must get secure, and all media come through
    exact: bool = True  # without loss not one protected packet may be lost, not even the first
    relayed: bool = False  # the phone shows the SAS of the other leg of the PBX
    spoil: str = ''  # the side that hears a wrong Hello hash


@dataclasses.dataclass
class Row:
    """A call, or several calls one after the other. `role` is ours; 'any' leaves it to Commit contention."""
    key_agreement: str = 'X255'
    hash: str = 'S256'
    cipher: str = 'AES1'
    auth: str = 'HS80'
    sas: str = 'B32'
    role: str = 'any'
    loss: int = 0
    seed: int = 1
    streams: int = 1
    late: str = ''  # 'ours' or 'theirs' starts half a second after the other
    fault: str = ''  # 'ours' or 'theirs' protects with a wrong key, which the other must notice
    fault_stream: int = 0
    offer_ours: str = ''  # key agreements offered, when not just the expected one
    offer_theirs: str = ''
    no_clear: bool = False
    defaults: bool = False  # no lists given: what the libraries choose when left alone
    title: str = ''  # of a story
    calls: list = dataclasses.field(default_factory=lambda: [Call()])
    # between 'phone' and 'other', or 'theirs', if set; otherwise the sides are 'ours' and 'theirs'
    pbx: str = ''

    def sides(self):
        return ['phone', 'pbx', self.pbx] if self.pbx else ['ours', 'theirs']

    def links(self):
        """Pairs of (side, stream) that talk to each other."""
        if self.pbx:
            return [(('phone', 0), ('pbx', 0)), ((self.pbx, 0), ('pbx', 1))]
        return [(('ours', i), ('theirs', i)) for i in range(self.streams)]

    def n_streams(self, side):
        return 2 if side == 'pbx' else self.streams

    def wanted(self):
        """What the RESULT lines of first streams must say."""
        return {} if self.defaults or self.title else {
            'ka': self.key_agreement, 'hash': self.hash, 'cipher': self.cipher,
            'auth': self.auth, 'sas_type': self.sas}

    def name(self):
        if self.title:
            return self.title
        parts = list(self.wanted().values())
        if self.streams > 1:
            parts.append(f'{self.streams} streams')
        parts.append('either role' if self.role == 'any' else f'as {self.role}')
        if self.loss:
            parts.append(f'{self.loss} % loss')
        return ' '.join(parts) + (', ' + self.remark() if self.remark() else '')

    def remark(self):
        notes = [self.calls[0].what] if self.calls[0].what else []
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
            key = 'SRTP key' + (f' of stream {self.fault_stream}' if self.streams > 1 else '')
            notes.append(f'{"our" if self.fault == "ours" else "their"} {key} is spoilt '
                         'on purpose and the other end notices')
        return '; '.join(notes)

    def arguments(self, side):
        """What the program is told in every call, but for the ports."""
        offer = self.offer_ours if side == 'ours' else self.offer_theirs
        role = self.role if side == 'ours' else OPPOSITE.get(self.role, 'any')
        packets = LOSSY if self.loss else STORY if self.title else CLEAN
        arguments = ['--role', role, '--interval', '10', '--packets', str(packets),
                     '--timeout', '25' if self.loss else '10', '--loss', str(self.loss),
                     '--seed', str(self.seed * 2 + (side == 'theirs'))]
        if not self.defaults:
            arguments += ['--key-agreements', offer or self.key_agreement, '--hashes', self.hash,
                          '--ciphers', self.cipher, '--auth-tags', self.auth,
                          '--sas-types', self.sas]
        if self.no_clear:
            arguments.append('--no-clear')
        if self.fault == side:
            arguments += ['--fault', 'send-key', '--fault-stream', str(self.fault_stream)]
        return arguments


# --- One call a row --------------------------------------------------------------------------------

def product_rows():
    """Every combination of what both ends can do, in both roles."""
    return [Row(*choice) for choice in itertools.product(
        ('X255', 'DH3k'), ('S256', 'S384'), ('AES1', 'AES3'), ('HS32', 'HS80'), ('B32', 'B256'),
        ('initiator', 'responder'))]


def loss_rows(key_agreements, seeds):
    return [Row(ka, role=role, loss=10, seed=seed) for ka, role, seed in itertools.product(
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


def self_rows(quick=False):
    """zrtp-peer against itself: the algorithms that bzrtp lacks, too."""
    weak = {'hash': 'S256', 'cipher': 'AES1', 'auth': 'HS80', 'sas': 'B32'}
    strong = {'hash': 'S384', 'cipher': 'AES3', 'auth': 'HS32', 'sas': 'B256'}
    rows = []
    for ka in ('X255', 'EC25', 'EC38', 'DH3k'):
        for suite in (strong,) if ka == 'EC38' else (weak, strong):
            rows += [Row(ka, **suite, role=role) for role in ('initiator', 'responder', 'any')]
        rows += [Row(ka, **strong, loss=10, seed=seed) for seed in range(1, 2 if quick else 4)]
    for values in (('E255', 'N256', 'AES1'), ('X448', 'S512', 'AES3'), ('EC38', 'N384', 'AES3'),
                   ('EC52', 'S512', 'AES3'), ('DH2k', 'S256', 'AES1'),
                   ('X255', 'S256', 'AES1', 'GCM'), ('X448', 'S512', 'AES3', 'GCM')):
        rows += [Row(*values, role=role) for role in ('initiator', 'responder')]
    rows += [Row('E255', offer_ours='X255,E255', offer_theirs='E255'),
             Row('X255', offer_ours='E255,X255', offer_theirs='X255,E255')]
    return rows + fault_rows('EC25')


# --- Several streams -------------------------------------------------------------------------------

SUITES = (('X255', 'S256', 'AES1'), ('X255', 'S384', 'AES3'))


def one_by_one():
    return [Call('our streams start one by one', {'ours': '--one-by-one'})]


def stream_rows(numbers=(2, 3)):
    """A DH exchange for the first stream, Multistream mode for the others."""
    rows = [Row(*suite, role=role, streams=n) for suite, n, role in itertools.product(
        SUITES, numbers, ('initiator', 'responder'))]
    rows += [Row(*suite, streams=n) for suite, n in itertools.product(SUITES, numbers)]
    rows += [Row(*suite, streams=n, loss=20, seed=seed, role=role) for (suite, role), n, seed in itertools.product(
        zip(SUITES, ('any', 'initiator')), numbers, (1, 2))]
    rows += [Row(streams=numbers[-1], calls=one_by_one()),
             Row(streams=2, fault='ours', fault_stream=1), Row(streams=2, fault='theirs', fault_stream=1)]
    return rows


# --- Secrets ---------------------------------------------------------------------------------------

QUIET = 'cache_mismatch=0 warnings=-'
LOUD = 'cache_mismatch=1 verified=0 warnings=cache-mismatch'
PLAIN = f'verified=0 {QUIET}'
TRUSTED = f'verified=1 {QUIET}'


def both(expectation):
    return {'ours': expectation, 'theirs': expectation}


def cache_call(what, ours='', theirs='', **more):
    """A call of two ends that keep secrets, theirs in the row's own file."""
    return Call(what, {'ours': f'--cache {ours}', 'theirs': f'--cache {{cache}} {theirs}'}, **more)


def first_call():
    return cache_call('the first call', expect=both(PLAIN), same='rs1')


def recovery(verify='--verify yes'):
    """Both users compare the SAS; then all is as before."""
    return [cache_call('both users compare the SAS', verify, verify, expect=both(LOUD), same='rs1',
                       changed='ours theirs'),
            cache_call('the next call', expect=both(TRUSTED), same='rs1', changed='ours theirs')]


def cache_rows():
    """Of retained secrets (RFC 6189 §4.3, §4.6.1). bzrtp keeps them in a SQLite file of the row's own."""
    return [
        Row(title='return', calls=[
            first_call(),
            cache_call('they know each other', expect=both(PLAIN), same='rs1', changed='ours theirs'),
            cache_call('and again', expect=both(PLAIN), same='rs1', changed='ours theirs')]),
        Row(title='return, as initiator', role='initiator', calls=[
            first_call(),
            cache_call('they know each other', expect=both(PLAIN), same='rs1', changed='ours theirs')]),
        Row(title='verified', calls=[
            cache_call('both users compare the SAS', '--verify yes', '--verify yes', expect=both(PLAIN), same='rs1'),
            cache_call('both remember', expect=both(TRUSTED), same='rs1'),
            cache_call('and still', expect=both(TRUSTED), same='rs1')]),
        Row(title='verified by one only', calls=[
            cache_call('our user compares the SAS', '--verify yes', expect=both(PLAIN), same='rs1'),
            cache_call('that is not enough (§7.1); now theirs does', '', '--verify yes', expect=both(PLAIN),
                       same='rs1'),
            cache_call('now it is', expect=both(TRUSTED), same='rs1')]),
        Row(title='they lost their secrets', calls=[
            first_call(),
            cache_call('we warn, they cannot know', '', '--forget', expect={'ours': LOUD, 'theirs': PLAIN},
                       kept='ours'),
            cache_call('again, nobody having compared the SAS', expect=both(LOUD), kept='ours theirs'),
            *recovery()]),
        Row(title='we lost our secrets', calls=[
            first_call(),
            cache_call('they warn, we cannot know', '--forget', expect={'ours': PLAIN, 'theirs': LOUD},
                       kept='theirs'),
            cache_call('again, nobody having compared the SAS', expect=both(LOUD), kept='ours theirs'),
            *recovery()]),
        Row(title='we missed an update', calls=[
            first_call(),
            cache_call('we lose what this call adds', '--miss-update', expect=both(PLAIN), kept='ours',
                       changed='theirs'),
            cache_call('their rs2 is our rs1', expect=both(PLAIN), same='rs1', changed='ours theirs'),
            cache_call('and all is well', expect=both(PLAIN), same='rs1')]),
        Row(title='they missed an update', calls=[
            first_call(),
            cache_call('they lose what this call adds', '', '--miss-update', expect=both(PLAIN), kept='theirs',
                       changed='ours'),
            cache_call('our rs2 is their rs1', expect=both(PLAIN), same='rs1', changed='ours theirs'),
            cache_call('and all is well', expect=both(PLAIN), same='rs1')]),
        Row(title='we missed two updates', calls=[
            first_call(),
            cache_call('we lose what this call adds', '--miss-update', expect=both(PLAIN), kept='ours'),
            cache_call('and this one', '--miss-update', expect=both(PLAIN), kept='ours', changed='theirs'),
            cache_call('no secret of ours is one of theirs', expect=both(LOUD), kept='ours theirs'),
            *recovery()]),
        Row(title='our user says the SAS differs', calls=[
            first_call(),
            cache_call('no match: our secret of this call is erased', '--verify no', expect=both(PLAIN),
                       changed='theirs'),
            cache_call('the next call', expect={'ours': 'verified=0', 'theirs': 'verified=0'})]),
        Row(title='their URI of us', calls=[
            first_call(),
            cache_call('they call us by another name, and know nobody of that name', '',
                       '--peer-uri sip:another@example.org', expect={'ours': LOUD, 'theirs': PLAIN}, kept='ours'),
            cache_call('by the first name we are known', expect=both(PLAIN), same='rs1', changed='ours theirs')]),
        Row(title='their URI', calls=[
            first_call(),
            cache_call('they call with another account, which has another ZID', '',
                       '--self-uri sip:second@example.org', expect=both(PLAIN), same='rs1', changed='ours theirs'),
            cache_call('with the first account they are known', expect=both(PLAIN), same='rs1',
                       changed='ours theirs')]),
        Row(title='cache and two streams', streams=2, calls=[
            first_call(),
            cache_call('both users compare the SAS', '--verify yes', '--verify yes', expect=both(PLAIN), same='rs1'),
            cache_call('both remember', expect=both(TRUSTED), same='rs1')]),
    ]


def aux_row(what, ours, theirs, expect_ours, expect_theirs, **more):
    tell = {side: f'--aux {text}' for side, text in (('ours', ours), ('theirs', theirs)) if text}
    return Row(title=f'auxsecret: {what}', calls=[
        Call(what, tell, {'ours': expect_ours, 'theirs': expect_theirs})], **more)


def aux_rows():
    """auxsecret (§4.3): whether both ends see the same of it."""
    a, b = 'a' * 32, 'b' * 32
    match, differ = 'aux=match warnings=-', 'aux=mismatch warnings=aux-mismatch'
    return [
        aux_row('both have the same, 32 octets', a, a, match, 'aux=match'),
        aux_row('both have the same, as initiator', a, a, match, 'aux=match', role='initiator'),
        aux_row('both have the same, 16 octets', a[:16], a[:16], match, 'aux=match'),
        aux_row('both have the same, 64 octets', a + b, a + b, match, 'aux=match'),
        aux_row('both have the same, S384', a, a, match, 'aux=match', hash='S384'),
        aux_row('they differ', a, b, differ, 'aux=mismatch'),
        aux_row('we alone have one', a, '', differ, 'aux=unset'),
        aux_row('they alone have one', '', a, 'aux=unset warnings=-', 'aux=mismatch'),
    ]


def hash_rows(streams=(1, 2)):
    """a=zrtp-hash (§8.1), told to the other end before the call."""
    tell = both('--signalling')
    never = both('--signalling --timeout 5')
    wrong = 'secure=0 decrypted=0 sas=- warnings=hello-hash-mismatch'
    rows = [Row(title=f'a=zrtp-hash right at both ends, {n} stream{"s" if n > 1 else ""}', streams=n, calls=[
        Call('right at both ends', tell, both('warnings=-'))]) for n in streams]
    return rows + [
        Row(title='a=zrtp-hash wrong at our end', calls=[
            Call('we refuse their Hello', never, {'ours': wrong, 'theirs': 'secure=0 decrypted=0'},
                 secure=False, spoil='ours')]),
        Row(title='a=zrtp-hash wrong at their end', calls=[
            Call('they refuse our Hello', never, {'ours': 'secure=0 decrypted=0', 'theirs': wrong},
                 secure=False, spoil='theirs')])]


# --- What no other end speaks ------------------------------------------------------------------------

def self_call(what, ours='', theirs='', **more):
    """A call of two ends of ours; each keeps its secrets in memory when told --cache."""
    return Call(what, {'ours': ours, 'theirs': theirs}, **more)


def preshared_rows():
    """§4.4.2."""
    kept = '--cache --allow-preshared'
    mode = both('mode=preshared ka=Prsh verified=1 cache_mismatch=0')
    first = self_call('DH, both users compare the SAS', f'{kept} --verify yes', f'{kept} --verify yes',
                      expect=both('mode=dh verified=0'), same='rs1')
    second = self_call('DH again: two secrets are needed', kept, kept, expect=both('mode=dh verified=1'), same='rs1')
    return [
        Row(title='Preshared', calls=[
            first, second,
            self_call('no DH exchange', kept, kept, expect=mode, same='rs1', changed='ours theirs'),
            self_call('and none again', kept, kept, expect=mode, same='rs1', changed='ours theirs'),
            self_call('one end does not want it', kept, '--cache', expect=both('mode=dh verified=1'), same='rs1')]),
        Row(title='Preshared, S384 and AES3', hash='S384', cipher='AES3', calls=[
            first, second, self_call('no DH exchange', kept, kept, expect=mode, same='rs1')]),
        Row(title='Preshared with a second stream', streams=2, calls=[
            first, second,
            self_call('no DH exchange', f'{kept} --one-by-one', kept, same='rs1', expect=both(
                'mode=preshared mode@1=multistream ka=Prsh ka@1=Mult'))]),
        Row(title='Preshared, secret lost', calls=[
            first, second,
            self_call('they lost theirs: DH after all', kept, f'{kept} --forget', kept='ours',
                      expect={'ours': f'mode=dh {LOUD}', 'theirs': 'mode=dh verified=0'})]),
        Row(title='Preshared before the SAS was compared', calls=[
            self_call('DH', kept, kept, expect=both('mode=dh')),
            self_call('DH again', kept, kept, expect=both('mode=dh cache_mismatch=0')),
            self_call('and again', kept, kept, expect=both('mode=dh cache_mismatch=0'))]),
    ]


def clear_rows():
    """§4.7.2."""
    allow = '--allow-clear --packets 120'
    back = 'mode=multistream clear_mode_sent>=25 clear_mode_received>=25'
    silent = 'secure=0 clear_mode_sent=0 clear_mode_received=0 decrypted<=60'
    rows = [Row(title=f'clear mode and back, {n} stream{"s" if n > 1 else ""}', streams=n, calls=[
        self_call('we go clear, they agree, we go secure', f'{allow} --go-clear 50 --go-secure 30',
                  f'{allow} --accept-clear',
                  exact=False, expect={'ours': f'clear=by-us {back}', 'theirs': f'clear=by-peer {back}'})]) for n in (1, 3)]
    return rows + [
        Row(title='clear mode, the other end goes back', hash='S384', cipher='AES3', calls=[
            self_call('we go clear, they agree and go secure', f'{allow} --go-clear 50',
                      f'{allow} --accept-clear --go-secure 30',
                      exact=False, expect={'ours': f'clear=by-us {back}', 'theirs': f'clear=by-peer {back}'})]),
        Row(title='clear mode with 20 % loss', loss=20, calls=[
            self_call('we go clear, they agree, we go secure', f'{allow} --packets 200 --go-clear 60 --go-secure 40',
                      f'{allow} --packets 200 --accept-clear',
                      exact=False, expect={'ours': 'clear=by-us mode=multistream', 'theirs': 'clear=by-peer mode=multistream'})]),
        Row(title='clear mode refused by the user', calls=[
            self_call('we go clear, they go secure at once', f'{allow} --go-clear 50', f'{allow} --refuse-clear',
                      exact=False, expect={'ours': 'clear=by-us mode=multistream', 'theirs': 'clear=by-peer mode=multistream'})]),
        Row(title='clear mode without an answer of the user', calls=[
            self_call('we go clear, their user says nothing', f'{allow} --go-clear 50 --timeout 3',
                      f'{allow} --timeout 3', secure=False,
                      expect={'ours': 'clear=by-us secure=0 decrypted<=60',
                              'theirs': f'clear=by-peer {silent}'})]),
        Row(title='clear mode that one end does not allow', calls=[
            self_call('nothing happens', f'{allow} --go-clear 50', '--packets 120',
                      expect=both('mode=dh clear=- clear_mode_sent=0'))]),
    ]


def sdes_rows():
    """§8.2: auxsecret from the keys of the signalling."""
    a, b = 'a' * 30, 'b' * 30
    match, differ = 'aux=match warnings=-', 'aux=mismatch warnings=aux-mismatch'

    def sdes(local, remote):
        return f'--sdes-local {local} --sdes-remote {remote}'

    return [Row(title='auxsecret from SDES keys: the same', calls=[
                self_call('both know both keys', sdes(a, b), sdes(b, a), expect=both(match))]),
            Row(title='auxsecret from SDES keys: different', calls=[
                self_call('one end has another key', sdes(a, b), sdes(b, b), expect=both(differ))])]


def pbx_call(what, phone='', pbx='', other='other', **more):
    keep = '--cache {cache}' if other == 'theirs' else '--cache'
    return Call(what, {'phone': f'--cache --packets 140 {phone}', 'pbx': f'--pbx --cache {pbx}',
                       other: f'{keep} --packets 140'}, exact=False, **more)


STRANGER = 'mitm=1 enrolled=0'


def pbx_rows():
    """§7.3: a PBX joins two calls; one phone trusts it."""
    shown = {'phone': 'mitm=1 enrolled=1 relayed=1', 'pbx': 'relay=1 enrolled=1 enrolled@1=0',
             'other': f'{STRANGER} relayed=0 enrollment=-'}
    return [
        Row(title='PBX: enrolment and relayed SAS', pbx='other', calls=[
            pbx_call('nobody trusts it: it must not relay', '--accept-enrollment', expect={
                'phone': f'{STRANGER} enrollment=- relayed=-', 'pbx': 'relay=0', 'other': f'{STRANGER} relayed=-'}),
            pbx_call('it asks the phone, whose user agrees', '--accept-enrollment --verify yes', '--enroll', expect={
                'phone': f'{STRANGER} enrollment=1', 'pbx': 'relay=0', 'other': f'{STRANGER} enrollment=-'}),
            pbx_call('the phone shows the SAS of the other leg', relayed=True, expect=shown),
            pbx_call('and again', relayed=True, expect=shown)]),
        Row(title='PBX: a phone that lets nobody ask', pbx='other', calls=[
            pbx_call('it asks, and is not heard', '', '--enroll', expect={
                'phone': f'{STRANGER} enrollment=-', 'pbx': 'relay=0', 'other': STRANGER}),
            pbx_call('so it must not relay', expect={
                'phone': f'{STRANGER} relayed=-', 'pbx': 'relay=0', 'other': f'{STRANGER} relayed=-'})])]


def bzrtp_pbx_rows():
    """bzrtp knows nothing of a PBX and need not: the phone behind it shows the SAS that bzrtp shows."""
    return [Row(title='our PBX between our phone and them', pbx='theirs', calls=[
        pbx_call('it asks the phone, whose user agrees', '--accept-enrollment --verify yes', '--enroll', 'theirs',
                 expect={'phone': f'{STRANGER} enrollment=1', 'pbx': 'relay=0'}),
        pbx_call('the phone shows the SAS of the other leg', other='theirs', relayed=True,
                 expect={'phone': 'mitm=1 enrolled=1 relayed=1', 'pbx': 'relay=1'})])]


def lacking_rows():
    """What bzrtp does not speak is not done with it."""
    return [
        Row(title='we allow Preshared mode', calls=[
            cache_call('both users compare the SAS', '--allow-preshared --verify yes', '--verify yes', same='rs1',
                       expect=both(f'mode=dh {PLAIN}')),
            cache_call('a DH exchange', '--allow-preshared', same='rs1', expect=both(f'mode=dh {TRUSTED}')),
            cache_call('and another all the same', '--allow-preshared', same='rs1',
                       expect=both(f'mode=dh {TRUSTED}'))]),
        Row(title='we want to go clear', calls=[
            Call('they do not allow it: nothing happens', {'ours': '--allow-clear --go-clear 20'},
                 {'ours': 'mode=dh clear=- clear_mode_sent=0'})]),
        Row(title='Ping', calls=[
            Call('they answer, with our SSRC', {'ours': '--ping'}, {'ours': 'pingack=1'})])]


def self_stories():
    return preshared_rows() + clear_rows() + pbx_rows() + sdes_rows() + hash_rows((3,))


# --- Sections of the document -------------------------------------------------------------------------

def bzrtp_sections(quick=False):
    """Name -> rows."""
    if quick:
        return {'algorithms': quick_rows(), 'streams': stream_rows()[:1], 'secrets': cache_rows()[:1]}
    return {'algorithms': full_rows(), 'streams': stream_rows(),
            'secrets': cache_rows() + aux_rows() + hash_rows() + lacking_rows() + bzrtp_pbx_rows()}


def self_sections(quick=False):
    if quick:
        return {'self-algorithms': self_rows(True), 'self-stories': self_stories()[:1]}
    return {'self-algorithms': self_rows(), 'self-streams': stream_rows((3,)), 'self-stories': self_stories()}
