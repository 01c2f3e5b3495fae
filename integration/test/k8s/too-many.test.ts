/** A server that has too much to do, and says when to come again (429, Retry-After). */
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { kubeForAll, leasesPath, namespaceOn, Party } from './harness.ts'

// One change at a time; what is over is refused at once.
const kube = kubeForAll({
  args: ['--feature-gates=APIPriorityAndFairness=false', '--max-mutating-requests-inflight=1'],
})

test('locks come again when they are told to, and nobody holds beside another', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  let refused = 0
  let flooding = true
  const flood = async (at: number): Promise<void> => {
    for (let round = 0; flooding; round += 1) {
      const name = `flood-${at}-${round}`
      const { status } = await kube().ask('POST', leasesPath(namespace), { metadata: { name }, spec: {} })
      if (status === 429) refused += 1
    }
  }
  const floods = Array.from({ length: 8 }, (_, at) => flood(at))
  try {
    await poll('it refuses', () => refused > 20)
    const parties = await Promise.all(Array.from({ length: 3 }, () => Party.at(kube(), namespace)))
    let inside = 0
    const tokens: bigint[] = []
    const work = async (party: Party): Promise<void> => {
      for (let turn = 0; turn < 3; turn += 1)
        await party.lock('a', { timeout: 50_000, requestTimeout: 10_000 }).using(async (lease) => {
          inside += 1
          expect(inside).toBe(1)
          await lease.renew()
          inside -= 1
          tokens.push(lease.fencingToken)
        })
    }
    await Promise.all(parties.map(work))
    expect([...new Set(tokens)]).toHaveLength(9)
  } finally {
    flooding = false
    await Promise.all(floods)
  }
})
