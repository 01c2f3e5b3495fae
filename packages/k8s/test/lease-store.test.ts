import { isDeepStrictEqual } from 'node:util'
import { lockKey, type RecordWrite, systemRuntime } from '@locks/core'
import { beforeEach, describe, expect, test } from 'vitest'
import type { LeaseApi, LeaseObject } from '../src/client.ts'
import { LeaseStore } from '../src/lease-store.ts'
import { settingsFrom } from '../src/options.ts'
import { Requests } from '../src/requests.ts'

const key = lockKey('', 'a')
const timeout = 1_000

const record = (value: string): RecordWrite => ({
  ...{ value, fence: 1n, holders: [], moved: false, keepFor: 0 },
  essence: () => value,
})

/** What is stored; like the server, it gets another version only if something is new. */
let lease: LeaseObject
/** What is answered instead of it, if anything. */
let instead: { readonly data: unknown } | undefined
let store: LeaseStore

beforeEach(() => {
  lease = { metadata: { name: 'x', uid: 'u', resourceVersion: '7' }, spec: {} }
  instead = undefined
  const answer = async () => ({ headers: {}, ...(instead ?? { data: lease }) })
  const api = {
    readNamespacedLeaseWithHttpInfo: answer,
    replaceNamespacedLeaseWithHttpInfo: ({ body }: { readonly body: LeaseObject }) => {
      const sent = JSON.parse(JSON.stringify(body)) as LeaseObject
      const { resourceVersion: before } = lease.metadata ?? {}
      const isNew = !isDeepStrictEqual(sent, lease)
      const resourceVersion = isNew ? `${Number(before) + 1}` : before
      lease = { ...sent, metadata: { ...sent.metadata, resourceVersion } }
      return answer()
    },
  } as unknown as LeaseApi
  const settings = {
    ...settingsFrom({ namespace: 'jobs' }),
    open: async () => ({ api, config: undefined, namespace: 'jobs', server: 'https://s' }),
  }
  store = new LeaseStore(settings, new Requests(settings.open, systemRuntime), systemRuntime)
})

describe('a write', () => {
  test('has the version that the server gave it', async () => {
    const { version } = await store.read(key, timeout)
    expect(await store.write(key, version, record('r'), timeout)).toMatchObject({ metadata: { resourceVersion: '8' } })
  })

  test('of what is there already has another one, too: what is under way on the old one fails', async () => {
    for (const [before, after] of [
      ['7', '8'],
      ['8', '9'],
      ['9', '10'],
    ]) {
      const { version } = await store.read(key, timeout)
      expect(version).toMatchObject({ metadata: { resourceVersion: before } })
      expect(await store.write(key, version, record('r'), timeout)).toMatchObject({
        metadata: { resourceVersion: after },
      })
    }
  })

  test.each([
    ['another Lease', { metadata: { uid: 'u', resourceVersion: '9' } }],
    ['no Lease', {}],
    ['nothing', null],
    ['a page', '<html>'],
  ])('is unknown where %s is the answer', async (_, data) => {
    const { version } = await store.read(key, timeout)
    instead = { data }
    await expect(store.write(key, version, record('r'), timeout)).rejects.toThrow(/answered with something else/)
  })
})

test.each([
  ['{}', {}],
  ['null', null],
  ['no metadata', { metadata: null }],
  ['a page', '<html>'],
])('a reading of %s is an error that says so', async (_, data) => {
  instead = { data }
  await expect(store.read(key, timeout)).rejects.toThrow(
    /k8s namespace "jobs" at https:\/\/s: .*answered with something else than the Lease/,
  )
})
