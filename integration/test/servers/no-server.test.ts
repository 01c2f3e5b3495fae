import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { startKube } from '../../servers/kube.ts'
import { startKubeVersion } from '../../servers/kube-start.ts'
import type { TestedKind } from '../../servers/server.ts'
import { startServer } from '../../servers/start.ts'
import { available, versions } from '../../servers/versions.ts'

// This file's process sees a machine on which nothing is installed.
const empty = mkdtempSync(join(tmpdir(), 'locks-empty-'))
process.env.PATH = empty
process.env.XDG_CACHE_HOME = empty
process.env.DOCKER_HOST = `unix://${empty}/docker.sock`
afterAll(() => rmSync(empty, { recursive: true }))

const start = (kind: TestedKind, version?: string): Promise<unknown> =>
  kind === 'k8s' ? startKubeVersion(version) : startServer(kind, version)

for (const kind of Object.keys(versions) as TestedKind[]) {
  test(`without engine and program, starting ${kind} fails at once and says what to install`, async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    expect(await available(kind)).toEqual([])
    const names = versions[kind].map((version) => `${kind} ${version}`).join(', ')
    expect(log.mock.calls).toEqual([[`not run, as no Docker engine is reachable: ${names}`]])
    log.mockRestore()

    for (const version of [undefined, ...versions[kind]]) {
      const started = performance.now()
      const error = await start(kind, version).catch((reason: Error) => reason)
      expect(performance.now() - started).toBeLessThan(2_000)
      expect(error).toBeInstanceOf(Error)
      expect((error as Error).message).toMatch(
        new RegExp(
          `^no ${kind} .*no Docker engine is reachable.*install Docker, or .*(?:${kind}|kube-apiserver)[^\\n]*$`,
        ),
      )
    }
  })
}

test('without its program, an apiserver that is no container fails at once and says what to do', async () => {
  await expect(startKube()).rejects.toThrow(
    /^kube-apiserver is neither on the PATH nor in .*: put it on the PATH, or .*$/,
  )
})
