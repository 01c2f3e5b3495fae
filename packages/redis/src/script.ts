import { createHash } from 'node:crypto'

/** A Lua script and the name by which a server that has seen it knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Sends one command. */
export type Send = (command: string, args: readonly string[]) => Promise<unknown>

/** Runs a script by its name, or as a whole where the server does not know it (yet, or any more). */
export async function evaluate(
  send: Send,
  { text, sha }: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args]
  try {
    return await send('evalsha', [sha, ...rest])
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return send('eval', [text, ...rest])
  }
}
