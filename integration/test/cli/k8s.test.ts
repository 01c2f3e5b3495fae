/** The commands on Kubernetes, by the adapter in the caller's folder and the kubeconfig that kubectl would use. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KubeServer, startKube } from '../../servers/kube.ts'
import { Playground } from './harness.ts'

const HOLD = ['sh', '-c', 'echo $$ > holder.pid; exec sleep 60']
const URL = 'k8s://default'

let kube: KubeServer

beforeAll(async () => {
  kube = await startKube()
}, 120_000)
afterAll(() => kube.stop())

function place(): { readonly here: Playground; readonly env: Readonly<Record<string, string>> } {
  const here = new Playground()
  const adapter = join(dirname(fileURLToPath(import.meta.resolve('@locks/k8s'))), '..')
  mkdirSync(here.path('node_modules/@locks'), { recursive: true })
  symlinkSync(adapter, here.path('node_modules/@locks/k8s'))
  writeFileSync(here.path('kubeconfig'), JSON.stringify(kube.kubeConfig()))
  return { here, env: { LOCKS_BACKEND: URL, KUBECONFIG: here.path('kubeconfig') } }
}

test('run holds the lock while its command runs; status, list and break tell of it', { timeout: 60_000 }, async () => {
  const { here, env } = place()
  await using _ = here
  const holder = here.start(['run', 'nightly', '--ttl', '3s', '--', ...HOLD], env)
  await here.number('holder.pid')
  expect(await here.start(['run', 'nightly', '--timeout', '0', '--', 'true'], env).ended).toMatchObject({ code: 75 })
  const { stdout } = await here.start(['status', 'nightly', '--json'], env).ended
  expect(JSON.parse(stdout).holders).toHaveLength(1)
  expect(await here.start(['list'], env).ended).toMatchObject({ code: 0, stdout: 'nightly\n' })
  expect(await here.start(['break', 'nightly', '--yes'], env).ended).toMatchObject({
    code: 0,
    stdout: 'lock "nightly" on k8s namespace "default": broken\n',
  })
  expect(await holder.ended).toMatchObject({ code: 76, stderr: expect.stringContaining('lost') })
})

test('doctor tells what it looked at', { timeout: 60_000 }, async () => {
  const { here, env } = place()
  await using _ = here
  const { stdout, code } = await here.start(['doctor', '--json'], env).ended
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly { readonly subject: string }[] }
  expect(findings.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['access', 'watch', 'stamps', 'clock']))
  expect(code).toBe(0)
})

test('where no cluster is configured it says so', { timeout: 60_000 }, async () => {
  const { here } = place()
  await using _ = here
  const env = { LOCKS_BACKEND: URL, KUBECONFIG: '', HOME: here.path('nobody') }
  expect(await here.start(['run', 'nightly', '--', 'true'], env).ended).toMatchObject({
    code: 69,
    stderr: expect.stringMatching(/no cluster is configured: KUBECONFIG is not set/),
  })
})
