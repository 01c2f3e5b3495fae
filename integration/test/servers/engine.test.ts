import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { containerEngine } from '../../servers/container-engine.ts'
import { ownerLabels, removeOrphans } from '../../servers/container-owner.ts'
import { startServer } from '../../servers/start.ts'

// An engine in name only: it has no images, reaches no registry, and holds the containers that a test puts there.
let containers: { Id: string; Labels: Record<string, string> }[] = []
let removed: string[] = []
const engine = createServer((request, response) => {
  const { method, url = '' } = request
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  }
  if (method === 'DELETE') {
    removed.push(url.replace(/.*\/containers\/(\w+).*/, '$1'))
    answer(204, {})
  } else if (url.includes('/containers/json')) answer(200, containers)
  else if (url.includes('/images/')) answer(404, { message: 'No such image' })
  else if (url.includes('/distribution/')) answer(500, { message: 'the registry is out of reach' })
  else answer(200, {})
})
await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve))
process.env.DOCKER_HOST = `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`
process.env.PATH = ''
delete process.env.LOCKS_TEST_IMAGE_REDIS_7_0
delete process.env.LOCKS_TEST_IMAGE_ETCD_3_4
afterAll(() => engine.close())

beforeEach(() => {
  containers = []
  removed = []
})

test('an image that is neither here nor to be pulled is named in the error, with the variable to set', async () => {
  await expect(startServer('redis', '7.0')).rejects.toThrow(
    /^no redis 7\.0: the image redis:7\.0 cannot be had \(the registry is out of reach\); .*LOCKS_TEST_IMAGE_REDIS_7_0/,
  )
  process.env.LOCKS_TEST_IMAGE_ETCD_3_5 = 'of-our-own/etcd:three'
  await expect(startServer('etcd', '3.5')).rejects.toThrow(/the image of-our-own\/etcd:three cannot be had/)
})

test('a kind without a default image needs the variable, which the error names', async () => {
  await expect(startServer('etcd', '3.4')).rejects.toThrow(
    /^no etcd 3\.4: etcd has no default image and LOCKS_TEST_IMAGE_ETCD_3_4 is not set; there is no etcd on the PATH/,
  )
})

test('only containers whose process is gone are removed', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  const mine = ownerLabels()
  const labelled = Object.entries(mine).map(([name, value]) => [name, value === `${process.pid}` ? `${pid}` : value])
  containers = [
    { Id: 'mine', Labels: mine },
    { Id: 'orphan', Labels: Object.fromEntries(labelled) },
  ]
  const client = await containerEngine()
  if (client === undefined) throw new Error('the engine was not found')
  await removeOrphans(client)
  expect(removed).toEqual(['orphan'])
})
