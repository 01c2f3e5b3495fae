import { createServer } from 'node:net'
import { type BrokenBackend, client } from './broken-backend.ts'

/** What stays behind. */
export const residue: readonly BrokenBackend[] = [
  client('list names whatever was ever used', 'residue: names that nobody uses any more are not listed', (backend) => {
    const used = new Set<string>()
    return {
      acquire: (request) => {
        used.add(request.key.name)
        return backend.acquire(request)
      },
      list: ({ prefix }) => Promise.resolve([...used].filter((name) => name.startsWith(prefix)).sort()),
    }
  }),
  client(
    'close leaves a timer running',
    'residue: after release and close nothing of the backend keeps the process alive',
    () => {
      setInterval(() => undefined, 1_000)
      return {}
    },
  ),
  client(
    'close leaves a socket open',
    'residue: after release and close nothing of the backend keeps the process alive',
    () => {
      createServer().listen(0, '127.0.0.1')
      return {}
    },
  ),
  client(
    'a hold is watched by a timer that keeps the process alive',
    'residue: a held lease does not keep the process alive by a timer',
    (backend) => {
      let timer: NodeJS.Timeout | undefined
      return {
        acquire: (request) => {
          timer ??= setInterval(() => undefined, 1_000)
          return backend.acquire(request)
        },
        release: (request) => {
          clearInterval(timer)
          timer = undefined
          return backend.release(request)
        },
      }
    },
  ),
  client(
    'a cancel that fails is rejected once more, where nobody hears it',
    'residue: nothing that was promised is rejected without anybody to hear it',
    (backend) => ({
      cancel: (request) => {
        void Promise.reject(new Error('the connection has been closed'))
        return backend.cancel(request)
      },
    }),
  ),
  client(
    'each client is in a place of its own',
    'capabilities: they are declared completely, and the same by every client',
    () => ({ location: `connection ${Math.random()}` }),
  ),
  client(
    'a closed client goes on answering',
    'residue: a closed client answers LOCK_BACKEND, not that the lock is free or held; closing again is harmless',
    () => ({ close: () => Promise.resolve() }),
  ),
]
