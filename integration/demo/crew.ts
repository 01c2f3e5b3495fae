import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { now } from './clock.ts'
import type { News, Task } from './worker.ts'

export interface Worker {
  readonly name: string
  readonly pid: number
  state: 'starts' | 'waits' | 'holds' | 'counts' | 'done' | 'killed' | 'failed'
  /** Since when it waits or holds. */
  since: number
  token: string
  turns: number
  longestWait: number
}

export interface Report {
  readonly workers: readonly Worker[]
  /** What the workers added, by what they say, and what the file says. */
  readonly added: number
  readonly counter: number
  /** In the order of the grants. */
  readonly tokens: readonly bigint[]
  /** Milliseconds from the kill to the next grant. */
  readonly takeover: number | undefined
}

export interface Crew {
  readonly names: readonly string[]
  readonly turns: number
  readonly locked: boolean
  readonly folder: string
  /** Who is killed while holding, and in which turn; null: nobody. */
  readonly victim: { readonly name: string; readonly turn: number } | null
  /** How long the victim sits on the lock before it is killed. */
  readonly mercy: number
  /** Called after every change. */
  readonly changed: (workers: readonly Worker[], event: string | null) => void
}

/** Lets the workers loose on one counter, kills the victim, and reports once all have ended. */
export async function letLoose(crew: Crew): Promise<Report> {
  const counter = join(crew.folder, crew.locked ? 'counter-locked' : 'counter-unlocked')
  writeFileSync(counter, '0')
  const grants: { readonly at: number; readonly token: bigint }[] = []
  const workers: Worker[] = []
  let killedAt: number | undefined
  let takeover: number | undefined

  const start = (name: string): Promise<void> => {
    const stuckIn = crew.victim?.name === name ? crew.victim.turn : null
    const { locked, turns, folder } = crew
    const task: Task = { locked, turns, counter, stuckIn, directory: join(folder, 'locks') }
    const child = fork(join(import.meta.dirname, 'worker.ts'), [JSON.stringify(task)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const worker: Worker = {
      name,
      pid: child.pid ?? 0,
      state: 'starts',
      since: 0,
      token: '',
      turns: 0,
      longestWait: 0,
    }
    workers.push(worker)

    /** What is worth a line of its own. */
    const hear = (news: News): string | null => {
      worker.since = performance.now()
      switch (news.event) {
        case 'waits':
          worker.state = 'waits'
          return null
        case 'holds':
          worker.state = 'holds'
          worker.token = news.token
          worker.longestWait = Math.max(worker.longestWait, news.waited)
          grants.push({ at: news.at, token: BigInt(news.token) })
          if (killedAt === undefined || takeover !== undefined) return null
          takeover = news.at - killedAt
          return `${name} has the lock ${takeover.toFixed(0)} ms later, with a higher token`
        case 'stuck':
          setTimeout(() => {
            crew.changed(workers, `SIGKILL for ${name}, which never gets to release the lock`)
            killedAt = now()
            child.kill('SIGKILL')
          }, crew.mercy)
          return `${name} (pid ${worker.pid}) holds the lock and hangs; the others can only wait`
        case 'counted':
          if (!crew.locked) worker.state = 'counts'
          worker.turns += 1
          return null
      }
    }
    child.on('message', (message) => crew.changed(workers, hear(message as News)))
    return ended(child).then(({ code, signal }) => {
      worker.state = signal === 'SIGKILL' ? 'killed' : code === 0 ? 'done' : 'failed'
      crew.changed(workers, null)
    })
  }

  await Promise.all(crew.names.map(start))
  const added = workers.reduce((sum, worker) => sum + worker.turns, 0)
  const tokens = grants.sort((a, b) => a.at - b.at).map(({ token }) => token)
  return { workers, added, counter: Number(readFileSync(counter, 'utf8')), tokens, takeover }
}

const running = new Set<ChildProcess>()

// A demo that is interrupted leaves nobody behind.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Ended, and all its messages heard. */
function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    running.add(child)
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
}
