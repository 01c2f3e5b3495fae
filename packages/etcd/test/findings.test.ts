import type { Finding } from '@locks/core'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../src/client.ts'
import { type Facts, findingsFrom } from '../src/findings.ts'

const STATUS: StatusAnswer = {
  header: { member_id: '1', raft_term: '2' },
  version: '3.5.16',
  dbSize: '20480',
  leader: '1',
  errors: [],
}

const FACTS: Facts = {
  members: [1, 2, 3].map((at) => ({ name: `m${at}:2379`, status: STATUS })),
  alarms: { alarms: [] },
  list: { members: [{}, {}, {}] },
  minimum: 2_000,
  minTtl: 2_000,
  latency: 1.2,
  timeout: 3_000,
  prefix: 'locks/',
}

const found = (changes: Partial<Facts>): readonly Finding[] => findingsFrom({ ...FACTS, ...changes })

/** What isn't fine, as `risk quota`. */
const trouble = (changes: Partial<Facts>): readonly string[] => [
  ...new Set(found(changes).flatMap(({ severity, subject }) => (severity === 'ok' ? [] : [`${severity} ${subject}`]))),
]

const withStatus = (changes: Partial<StatusAnswer>): Partial<Facts> => ({
  members: [...FACTS.members.slice(1), { name: 'm1:2379', status: { ...STATUS, ...changes } }],
})

test('a cluster of three as it should be is no risk', () => {
  expect(trouble({})).toEqual([])
  expect(new Set(found({}).map(({ subject }) => subject))).toEqual(
    new Set(['version', 'leader', 'quota', 'members', 'alarms', 'access', 'leases', 'latency', 'clock']),
  )
})

test.each([
  ['3.3.27', ['risk version']],
  ['3.4.30', ['risk version']],
  ['3.4.31', []],
  ['3.5.12', ['risk version']],
  ['3.5.13', []],
  ['3.6.0', []],
  ['4.0.0', []],
])('etcd %s is %j', (version, expected) => {
  expect(trouble(withStatus({ version }))).toEqual(expected)
})

test.each([
  ['a member without a leader', withStatus({ leader: '0' }), 'risk leader'],
  ['a member that says it is in trouble', withStatus({ errors: ['etcdserver: too slow'] }), 'risk leader'],
  ['a store that is nearly full', withStatus({ dbSize: String(1.95 * 1024 ** 3) }), 'risk quota'],
  ['a member that does not answer', { members: [{ name: 'm', status: new Error('no connection') }] }, 'risk member'],
  ['a user who may not see', { members: [{ name: 'm', status: new Error('permission denied') }] }, 'unknown member'],
  ['a single member', { list: { members: [{}] } }, 'risk members'],
  ['an even number of members', { list: { members: [{}, {}] } }, 'risk members'],
  ['members that can not be seen', { list: new Error('permission denied') }, 'unknown members'],
  ['an alarm', { alarms: { alarms: [{ alarm: 'NOSPACE' }] } }, 'risk alarms'],
  ['alarms that can not be seen', { alarms: new Error('permission denied') }, 'unknown alarms'],
  ['a lease that is longer than was said', { minimum: 5_000 }, 'risk leases'],
  ['slow answers', { latency: 200 }, 'risk latency'],
] as const)('%s is a finding', (_, changes, expected) => {
  expect(trouble(changes as Partial<Facts>)).toEqual([expected])
})

test('what is refused is a risk, and leaves open what it would have told', () => {
  expect(trouble({ minimum: new Error('permission denied') })).toEqual(['risk access', 'unknown leases'])
})

test('of several members each is named', () => {
  const [risk] = found(withStatus({ version: '3.5.1' })).filter(({ severity }) => severity === 'risk')
  expect(risk?.message).toMatch(/^m1:2379: etcd 3\.5\.1: .* upgrade to 3\.5\.13/)
})
