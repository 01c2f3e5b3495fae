import type { HolderState } from '../../../src/index.ts'
import type { Hold } from '../../native-entry.ts'
import { type BrokenBackend, client, Server, server } from './broken-backend.ts'

const metadata = 'inspection: metadata comes back to the letter, whatever it contains'
const listed = 'inspection: list names what is held, by namespace and prefix, sorted, to the letter'

/** `%`: any text, `_`: any character, as SQL's LIKE has it. */
const like = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[^\w%]/g, '\\$&')
      .replaceAll('%', '[^]*')
      .replaceAll('_', '[^]')}`,
  )

/** A server that shows its holders otherwise than they are. */
const shown = (
  flaw: string,
  caughtBy: string,
  change: (state: HolderState, hold: Hold) => HolderState,
): BrokenBackend =>
  server(
    flaw,
    caughtBy,
    class extends Server {
      protected override describe(hold: Hold): HolderState {
        return change(super.describe(hold), hold)
      }
    },
  )

/** A server whose names are listed by another rule. */
const names = (flaw: string, rule: (all: readonly string[], prefix: string) => string[]): BrokenBackend =>
  server(
    flaw,
    listed,
    class extends Server {
      override list(namespace: string, prefix: string): string[] {
        return rule(super.list(namespace, ''), prefix)
      }
    },
  )

export const inspection: readonly BrokenBackend[] = [
  shown(
    'inspect shows the secret token',
    'inspection: the secret token is shown nowhere: not to who inspects, lists or is refused',
    (state, { token }) => ({ ...state, metadata: token }),
  ),
  shown(
    'the remaining time is shown in seconds',
    'inspection: a holder is shown with its owner id, mode, fencing token, remaining time and metadata',
    (state) => ({ ...state, remaining: state.remaining / 1_000 }),
  ),
  shown(
    'the remaining time is that of the grant',
    'inspection: the remaining time falls, and rises with a renewal',
    (state, { ends, since }) => ({ ...state, remaining: ends - since }),
  ),
  shown('metadata is stored as Latin-1', metadata, (state) => ({
    ...state,
    metadata: Buffer.from(state.metadata, 'latin1').toString('latin1'),
  })),
  shown('metadata is cut off after 255 characters', metadata, (state) => ({
    ...state,
    metadata: state.metadata.slice(0, 255),
  })),
  server(
    'one of several readers is shown only',
    'inspection: every holder of a shared lock is shown',
    class extends Server {
      override inspect(...[key]: Parameters<Server['inspect']>): ReturnType<Server['inspect']> {
        const { holders, waiters } = super.inspect(key)
        return { holders: holders.slice(0, 1), waiters }
      }
    },
  ),
  server(
    'a list has what ran out',
    'inspection: list leaves out what ran out',
    class extends Server {
      #listing = false

      override list(namespace: string, prefix: string): string[] {
        this.#listing = true
        const names = super.list(namespace, prefix)
        this.#listing = false
        return names
      }

      protected override lives(hold: Hold): boolean {
        return this.#listing || super.lives(hold)
      }
    },
  ),
  names('a prefix to list is a pattern of LIKE', (all, prefix) => all.filter((name) => like(prefix).test(name))),
  names('a prefix to list is a regular expression', (all, prefix) =>
    all.filter((name) => new RegExp(`^${prefix}`).test(name)),
  ),
  names('a prefix to list is compared without regard to case', (all, prefix) =>
    all.filter((name) => name.toLowerCase().startsWith(prefix.toLowerCase())),
  ),
  names('a list is sorted as a dictionary is', (all, prefix) =>
    all.filter((name) => name.startsWith(prefix)).sort((a, b) => a.localeCompare(b, 'en')),
  ),
  client('a list has the names of other namespaces, too', listed, (backend) => {
    const used = new Set<string>()
    return {
      acquire: (request) => {
        used.add(request.key.name)
        return backend.acquire(request)
      },
      list: ({ prefix }) => Promise.resolve([...used].filter((name) => name.startsWith(prefix)).sort()),
    }
  }),
]
