import { messageOf } from '../failure.ts'
import { plan } from '../plan.ts'
import type { Report } from '../report.ts'
import { Strays } from '../strays.ts'
import type { ConformanceTarget } from '../target.ts'
import type { Arguments } from './arguments.ts'
import { tryClient } from './check-target.ts'
import { closing } from './closing.ts'
import { divert } from './divert.ts'
import { loadTarget } from './load-target.ts'
import { checkPlace, writePage } from './page-file.ts'
import { EXIT, Refusal } from './refusal.ts'
import { run } from './run.ts'
import { select } from './select.ts'
import type { Sink } from './sink.ts'
import { type Activity, tellSuddenEnd } from './sudden-end.ts'
import { summary } from './summary.ts'

export interface Surroundings {
  readonly stdout: Sink
  readonly stderr: Sink
  /** Ends the run early; the reason is the number of the signal that did. */
  readonly signal: AbortSignal
}

/** Loads the target, runs its cases, tells what came of them, closes the target. Resolves with the exit code. */
export async function conform(
  given: Arguments,
  surroundings: Surroundings,
  say: (text: string) => void,
): Promise<number> {
  if (given.html !== undefined) await checkPlace(given.html)
  const { stderr, signal } = surroundings
  // Nothing but the report goes to stdout, whatever the adapter logs.
  const restore = given.json ? divert([process.stdout], stderr.write) : () => undefined
  const strays = new Strays()
  const activity: Activity = { what: `${given.file} was loading`, code: EXIT.wrong }
  const disarm = tellSuddenEnd(activity, say)
  let troubles: readonly string[] = []
  try {
    const target = await loadTarget(given.file)
    let code: number
    try {
      code = await examine(target, given, surroundings, strays, activity, say)
    } finally {
      activity.what = 'the target was closing'
      troubles = [...(await closing(target, signal.aborted)), ...(await strays.take()).map(late)]
      for (const trouble of troubles) say(trouble)
    }
    return code === EXIT.passed && troubles.length > 0 ? EXIT.failed : code
  } finally {
    disarm()
    strays.stop()
    restore()
  }
}

const late = (stray: unknown): string => `after the cases something was thrown that nobody caught: ${messageOf(stray)}`

async function examine(
  target: ConformanceTarget,
  given: Arguments,
  { stdout, stderr, signal }: Surroundings,
  strays: Strays,
  activity: Activity,
  say: (text: string) => void,
): Promise<number> {
  const { only, json, html } = given
  const chosen = select(plan(target, given.seed), only)
  activity.what = 'target.connect() made its first client'
  await Promise.race([tryClient(target), aborted(signal)])
  for (const stray of await strays.take())
    throw new Refusal(`something was thrown that nobody caught before the first case: ${messageOf(stray)}`)

  const progress = json ? (stderr.live ? stderr : undefined) : stdout
  const listener = {
    begins({ theme, title }: { readonly theme: string; readonly title: string }): void {
      Object.assign(activity, { what: `"${theme}: ${title}" was at work`, code: EXIT.failed })
    },
    ended: () => undefined,
  }
  const report = await run(target, chosen, progress, listener, { strays, only, signal })

  activity.what = 'the report was written'
  if (json) stdout.write(`${JSON.stringify(report)}\n`)
  progress?.write(summary(report, given, progress))
  const code = exitCode(report, signal)
  if (html === undefined) return code
  try {
    await writePage(html, report)
    return code
  } catch (error) {
    say(`the page could not be written to ${html}: ${messageOf(error)}`)
    return code === EXIT.passed ? EXIT.failed : code
  }
}

function exitCode({ failed, notRun }: Report, signal: AbortSignal): number {
  if (notRun.length > 0) return EXIT.signal + Number(signal.reason)
  return failed > 0 ? EXIT.failed : EXIT.passed
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
