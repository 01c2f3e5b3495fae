import { expect, test } from 'vitest'
import { findingsFrom, type ServerFacts } from '../src/findings.ts'

const facts = (figures: object = {}, settings: object = {}): ServerFacts => ({
  name: 'a:11211',
  figures: {
    version: '1.6.38',
    evictions: '0',
    bytes: '1000',
    limit_maxbytes: '67108864',
    curr_items: '3',
    ...figures,
  },
  settings: { evictions: 'off', cas_enabled: 'yes', ...settings },
  latency: 0.4,
})

const risks = (one: ServerFacts): readonly string[] =>
  findingsFrom([one], 3_000).flatMap(({ severity, subject }) => (severity === 'risk' ? [subject] : []))

test('of a server of one’s own that evicts nothing, only its restart is a risk', () => {
  expect(risks(facts())).toEqual(['restart'])
})

test.each([
  ['eviction', facts({ evictions: '5' })],
  ['eviction', facts({}, { evictions: 'on' })],
  ['eviction', facts({ slab_reassign_evictions_nomem: '1' })],
  ['eviction', facts({ slab_reassign_busy_deletes: '1' })],
  ['memory', facts({ bytes: '60000000' })],
  ['shared use', facts({ curr_items: '10001' })],
  ['shared use', facts({ incr_hits: '1' })],
  ['shared use', facts({ cmd_flush: '1' })],
  ['versions', facts({}, { cas_enabled: 'no' })],
  ['latency', { ...facts(), latency: 500 }],
])('%s is a risk', (subject, one) => {
  expect(risks(one)).toEqual([subject, 'restart'])
})

test('what is not told is unknown', () => {
  const [found] = findingsFrom([{ ...facts(), settings: {} }], 3_000).filter(({ subject }) => subject === 'eviction')
  expect(found?.severity).toBe('unknown')
})

test('of several servers each finding says of which', () => {
  const found = findingsFrom([facts(), { ...facts(), name: 'b:11211' }], 3_000)
  expect(found.filter(({ message }) => message.startsWith('b:11211: '))).toHaveLength(6)
})
