import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { askVersion } from '../../servers/container-version.ts'
import type { ServerKind } from '../../servers/server.ts'
import { startServer } from '../../servers/start.ts'
import { available } from '../../servers/versions.ts'

/** Whether something accepts connections there. */
function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('close', () => socket.destroy())
  })
}

const kinds: readonly ServerKind[] = ['redis', 'valkey', 'memcached', 'etcd']
for (const kind of kinds) {
  for (const version of await available(kind)) {
    test.concurrent(`${kind} ${version} answers on the loopback, and nothing listens after its stop`, async () => {
      const server = await startServer(kind, version)
      try {
        expect(`${server.version}.`).toContain(`${version}.`)
        expect(server).toMatchObject({ kind, host: '127.0.0.1' })
        expect(await askVersion(kind, server.port)).toBe(server.version)
      } finally {
        await server.stop()
      }
      await server.stop()
      expect(await listens(server.host, server.port)).toBe(false)
    })
  }
}
