import { describe, expect, test } from 'vitest'
import { type Facts, findingsFrom, stepsSeen } from '../src/findings.ts'

const INFO = {
  redis_version: '7.2.1',
  role: 'master',
  connected_slaves: '0',
  connected_clients: '5',
  maxclients: '10000',
  used_memory: '1048576',
  maxmemory: '0',
  maxmemory_policy: 'noeviction',
  evicted_keys: '0',
  aof_enabled: '1',
  cluster_enabled: '0',
}
const CLUSTER = { cluster_state: 'ok', cluster_slots_ok: '16384', cluster_size: '3' }

const FINE: Facts = {
  info: new Map(Object.entries(INFO)),
  config: new Map(Object.entries({ appendfsync: 'always', timeout: '0' })),
  cluster: undefined,
  refused: [],
  permissions: '+some ~locks:*',
  latency: 0.2,
  ahead: 3,
  timeout: 3_000,
  masters: 1,
}

/** A server with which nothing is wrong but what is given. */
function facts(info: Partial<typeof INFO> & Record<string, string>, others: Partial<Facts> = {}): Facts {
  return { ...FINE, info: new Map(Object.entries({ ...INFO, ...info })), ...others }
}

const inCluster = (cluster: Partial<typeof CLUSTER>, masters = 3): Facts =>
  facts({ cluster_enabled: '1' }, { cluster: new Map(Object.entries({ ...CLUSTER, ...cluster })), masters })

const about = (given: Facts, subject: string): string[] =>
  findingsFrom(given).flatMap((found) => (found.subject === subject ? [`${found.severity} ${found.message}`] : []))

test('a server as it should be is no risk, in one line for each subject', () => {
  const findings = findingsFrom(FINE)
  expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([])
  const subjects = findings.map(({ subject }) => subject)
  expect(new Set(subjects).size).toBe(subjects.length)
  for (const { message } of findings) expect(message).not.toMatch(/\n|undefined|NaN/)
})

describe('what is found', () => {
  test.for<[string, Facts, RegExp]>([
    ['server', facts({ redis_version: '6.2.14' }), /^risk Redis 6\.2\.14 takes no locks/],
    ['server', facts({ redis_version: '10.0.0' }), /^ok Redis 10\.0\.0$/],
    ['server', facts({ redis_version: '7.2.4', valkey_version: '8.1.1' }), /^ok Valkey 8\.1\.1$/],
    [
      'commands',
      facts({}, { refused: ['EVAL (NOPERM)', 'PING (NOPERM)'] }),
      /^risk .*EVAL.*PING.*allow this user \+some/,
    ],
    ['replicas', facts({ role: 'slave', master_host: 'ten', master_port: '1' }), /^risk .*a replica of ten:1/],
    ['replicas', facts({ connected_slaves: '1' }), /^risk 1 replica, which gets .*failover/],
    ['replicas', facts({ connected_slaves: '2' }), /^risk 2 replicas, which get .*failover/],
    ['isolation', facts({ connected_slaves: '1' }), /^risk min-replicas-to-write is 0/],
    ['isolation', facts({ connected_slaves: '1', min_slaves_good_slaves: '1' }), /^ok min-replicas-to-write is set/],
    ['persistence', facts({ aof_enabled: '0' }), /^risk appendonly is no/],
    ['persistence', facts({}, { config: new Map([['appendfsync', 'everysec']]) }), /^risk appendfsync is everysec/],
    ['persistence', facts({}, { config: undefined }), /^unknown .*CONFIG is refused/],
    ['eviction', facts({ maxmemory: '9', maxmemory_policy: 'volatile-ttl' }), /^risk maxmemory-policy is volatile-ttl/],
    ['eviction', facts({ maxmemory: '9', maxmemory_policy: 'x', evicted_keys: '7' }), /^risk .*\(7 keys so far\)/],
    ['eviction', facts({ maxmemory: '9', maxmemory_policy: 'noeviction' }), /^ok/],
    ['eviction', facts({ maxmemory: '0', maxmemory_policy: 'allkeys-lru' }), /^ok maxmemory is not set/],
    ['memory', facts({ maxmemory: '1100000' }), /^risk 95 % of maxmemory \(1 MB\)/],
    ['memory', facts({ maxmemory: '104857600' }), /^ok 1 % of maxmemory \(100 MB\) used$/],
    ['connections', facts({ connected_clients: '90', maxclients: '100' }), /^risk 90 of at most 100/],
    ['connections', facts({}, { config: new Map([['timeout', '60']]) }), /^ok 5 of .* closed after 60 s/],
    ['clock', facts({}, { ahead: -7_200_000 }), /^risk 2 h behind/],
    ['clock', facts({}, { ahead: 11_000 }), /^risk 11 s ahead/],
    ['clock', facts({}, { ahead: -9_000 }), /^ok 9000 ms behind/],
    ['clock', facts({}, { ahead: undefined }), /^unknown/],
    ['latency', facts({}, { latency: 151 }), /^risk .*takes 151 ms/],
    ['latency', facts({}, { latency: 149 }), /^ok/],
    ['cluster', inCluster({}), /^ok all 16384 slots are served, by 3 masters$/],
    ['cluster', inCluster({ cluster_state: 'fail', cluster_slots_ok: '10922' }), /^risk its state is fail, 10922 of/],
    ['cluster', inCluster({ cluster_slots_ok: '10922' }), /^risk its state is ok, 10922 of/],
    ['cluster', inCluster({ cluster_state: 'fail' }), /^risk its state is fail/],
    ['cluster', inCluster({}, 1), /^risk one of 3 masters, asked as if alone/],
    ['cluster', inCluster({ cluster_size: '1' }, 1), /^ok/],
    ['cluster', facts({ cluster_enabled: '1' }), /^unknown CLUSTER INFO is refused/],
  ])('%s: %#', ([subject, given, expected]) => {
    expect(about(given, subject)).toEqual([expect.stringMatching(expected)])
  })

  test('a master without replicas is not asked how many it needs', () => {
    expect(about(FINE, 'isolation')).toEqual([])
  })

  test('what INFO would have told is named where it is refused; the rest is judged', () => {
    const blind: Facts = { ...FINE, info: undefined, latency: 1_000 }
    expect(about(blind, 'server')).toEqual([expect.stringMatching(/^unknown INFO is refused: .*eviction/)])
    expect(about(blind, 'latency')).toEqual([expect.stringMatching(/^risk/)])
    expect(about(blind, 'eviction')).toEqual([])
    const { cluster } = inCluster({ cluster_slots_ok: '1' })
    expect(about({ ...blind, cluster, masters: 3 }, 'cluster')).toEqual([expect.stringMatching(/^risk .* 1 of 16384/)])
  })

  test('steps of the clock count once they were seen', () => {
    expect(stepsSeen(0)).toEqual([])
    expect(stepsSeen(1)).toMatchObject([{ severity: 'risk', message: expect.stringContaining('once') }])
    expect(stepsSeen(3)).toMatchObject([{ severity: 'risk', message: expect.stringContaining('3 times') }])
  })
})
