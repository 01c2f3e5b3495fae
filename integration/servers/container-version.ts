import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerKind } from './server.ts'

/** Sends one text to a server and resolves with its answer as soon as `pattern` matches it. */
function exchange(host: string, port: number, text: string, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ host, port, timeout: 2_000 })
    const fail = (why: string): void => {
      socket.destroy()
      reject(new Error(`${host}:${port} ${why}`))
    }
    socket
      .setEncoding('utf8')
      .once('connect', () => socket.write(text))
      .on('data', (data) => {
        answer += data
        const match = pattern.exec(answer)
        if (match === null) return
        socket.destroy()
        resolve(match)
      })
      .once('timeout', () => fail('does not answer'))
      .once('error', (error) => fail(error.message))
      .once('end', () => fail(`answers ${JSON.stringify(answer.slice(0, 200))}`))
  })
}

const questions: Readonly<Record<ServerKind, readonly [text: string, pattern: RegExp]>> = {
  redis: ['INFO server\r\n', /^redis_version:(\S+)/m],
  // Its redis_version is that of the Redis it is compatible with.
  valkey: ['INFO server\r\n', /^valkey_version:(\S+)/m],
  memcached: ['version\r\n', /^VERSION (\S+)/],
  etcd: ['GET /version HTTP/1.0\r\n\r\n', /"etcdserver":"([^"]+)"/],
}

/** The version that a server tells of itself. Rejects if it does not answer, or is of another kind. */
export async function askVersion(kind: ServerKind, host: string, port: number): Promise<string> {
  // A member without a leader tells its version, but serves nothing yet.
  if (kind === 'etcd') await exchange(host, port, 'GET /health HTTP/1.0\r\n\r\n', /"health":"?true/)
  const [, version = ''] = await exchange(host, port, ...questions[kind])
  return version
}

/** Asks again until the server answers; rejects with its last trouble after `deadline` milliseconds. */
export async function awaitVersion(kind: ServerKind, host: string, port: number, deadline: number): Promise<string> {
  const end = performance.now() + deadline
  for (;;) {
    try {
      return await askVersion(kind, host, port)
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await sleep(25)
  }
}
