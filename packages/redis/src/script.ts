import { createHash } from 'node:crypto'
import type { Send } from './client/connection.ts'

/** A Lua script and the name by which a server that has seen it knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** Hashes the text when its name is first asked for, so that an import costs nothing for scripts that are not used. */
export function script(text: string): Script {
  let sha: string | undefined
  return {
    text,
    get sha() {
      sha ??= createHash('sha1').update(text).digest('hex')
      return sha
    },
  }
}

/** Runs a script by its name, or as a whole where the server does not know it (yet, or any more). */
export function evaluate(
  send: Send,
  { text, sha }: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  return send('evalsha', [sha, String(keys.length), ...keys, ...args]).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return send('eval', [text, String(keys.length), ...keys, ...args])
  })
}
