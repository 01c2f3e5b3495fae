/** The part of proper-lockfile that is used. */
type TakeLock = (
  file: string,
  options: { realpath: boolean; stale: number; onCompromised: (error: Error) => void },
) => Promise<() => Promise<void>>

const STALE = 60_000

/**
 * Runs `work` unless another process is at it. Only ever for work that may run twice at a time without harm: a stale
 * proper-lockfile can be taken over by two. Loaded here and only when needed, because importing it changes
 * `process.emit` and adds signal listeners.
 */
export async function serialised(file: string, work: () => Promise<void>): Promise<void> {
  const release = await take(file)
  if (release === undefined) return
  try {
    await work()
  } finally {
    await release().catch(() => undefined)
  }
}

async function take(file: string): Promise<(() => Promise<void>) | undefined> {
  try {
    const { default: properLockfile } = await import('proper-lockfile')
    const lock: TakeLock = properLockfile.lock
    return await lock(file, { realpath: false, stale: STALE, onCompromised: () => undefined })
  } catch {
    return undefined
  }
}
