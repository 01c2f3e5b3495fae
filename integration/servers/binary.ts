import { join } from 'node:path'
import { ask } from './ask.ts'
import { createFolder, removeFolder } from './folder.ts'
import { onFreePorts } from './port.ts'
import { startRedis } from './redis-binary.ts'
import type { Server, ServerKind } from './server.ts'
import { ServerProcess } from './server-process.ts'

/**
 * Starts the program of a kind of server, from the PATH. It ends with this process at the latest. Rejects, in one line, where
 * the program is not installed; with the end of its log if it doesn't come up.
 */
export function startBinary(kind: ServerKind): Promise<Server> {
  switch (kind) {
    case 'redis':
      return startRedis()
    case 'valkey':
      return startRedis({ binary: 'valkey-server' })
    case 'memcached':
      return onFreePorts((port) => start(memcached, port, port))
    case 'etcd':
      return onFreePorts((port, peerPort) => start(etcd, port, peerPort))
  }
}

interface Program {
  readonly kind: ServerKind
  readonly package: string
  args(port: number, peerPort: number, folder: string): readonly string[]
  /** Rejects while it isn't ready. */
  versionAt(port: number): Promise<string>
}

const memcached: Program = {
  kind: 'memcached',
  package: 'memcached',
  // As root it insists on a user. Were that another one, the kernel would forget to end it with this process.
  args: (port) => ['-l', '127.0.0.1', '-p', `${port}`, '-U', '0', ...(process.getuid?.() === 0 ? ['-u', 'root'] : [])],
  versionAt: async (port) => found(/^VERSION (\S+)\r/, await ask(port, 'version\r\n', '\r\n')),
}

const etcd: Program = {
  kind: 'etcd',
  package: 'etcd-server',
  args: (port, peerPort, folder) => {
    const url = `http://127.0.0.1:${port}`
    const peerUrl = `http://127.0.0.1:${peerPort}`
    return [
      ...['--data-dir', join(folder, 'data'), '--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `default=${peerUrl}`],
    ]
  },
  versionAt: async (port) => {
    found(/"health":\s*"(true)"/, await httpGet(port, '/health'))
    return found(/"etcdserver":\s*"([^"]+)"/, await httpGet(port, '/version'))
  },
}

async function start(program: Program, port: number, peerPort: number): Promise<Server> {
  const { kind } = program
  const folder = createFolder(kind)
  let version = ''
  let running: ServerProcess | undefined
  const stop = async (): Promise<void> => {
    await running?.kill()
    removeFolder(folder)
  }
  try {
    running = new ServerProcess({
      ...{ command: kind, package: program.package, log: join(folder, 'log') },
      args: program.args(port, peerPort, folder),
    })
    await running.ready(async () => {
      version = await program.versionAt(port)
    })
    return { kind, version, host: '127.0.0.1', port, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function httpGet(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(1_000) })
  return response.text()
}

function found(pattern: RegExp, text: string): string {
  const [, part] = pattern.exec(text) ?? []
  if (part === undefined) throw new Error(`not what was expected: ${text}`)
  return part
}
