/** What others store under a lock's key. */
import { Client } from 'memjs'
import { expect, onTestFinished, test } from 'vitest'
import { backendError } from '../outcomes.ts'
import { hostOf, memcached, Party } from './harness.ts'

test.each(['', 'theirs', '\u0000\ufffd', '1@0@@x@'])(
  '%j stays, and counts as held until forceRelease',
  async (value) => {
    const server = await memcached()
    const party = await Party.at(server)
    const before = await party.lock('a').acquire()
    const [key = ''] = await server.keys()
    const client = Client.create(hostOf(server))
    onTestFinished(() => client.close())
    await client.set(key, value, { expires: 100 })
    const damaged = backendError(/lock "a" on memcached .*damaged or of another format.*forceRelease/)
    await expect(party.lock('a').tryAcquire()).rejects.toMatchObject(damaged)
    await expect(party.lock('a').locked()).rejects.toMatchObject(damaged)
    await expect(before.renew()).rejects.toMatchObject({ code: expect.stringMatching(/LOCK_(BACKEND|LOST)/) })
    expect((await client.get(key)).value?.toString()).toBe(value)
    expect(await party.lock('a').forceRelease()).toBe(true)
    const lease = await party.lock('a').acquire()
    expect(lease.fencingToken).toBeGreaterThan(before.fencingToken)
    expect(await lease.release()).toBe(true)
  },
)
