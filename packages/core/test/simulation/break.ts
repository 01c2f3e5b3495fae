import { Lock } from '../../src/index.ts'
import type { Cast } from './cast.ts'
import { ON_ITS_WAY } from './checks.ts'
import type { Client } from './client.ts'
import { outcomeOf, Stopwatch } from './outcome.ts'

/** An operator breaks a lock. While it may do so, no promise holds for who has the lock; afterwards all do. */
export function breakLock(cast: Cast, client: Client, name: string): Promise<boolean | undefined> {
  const { checks, world } = cast
  const task = cast.task(client, 'operator')
  return new Promise((resolve) => {
    task.start(async () => {
      const held = checks.ledger.open(name).filter((entry) => checks.ledger.isHeld(entry))
      const time = { key: name, from: world.now, to: Number.POSITIVE_INFINITY }
      checks.ledger.breaks.push(time)
      client.breaks += 1
      const started = new Stopwatch(client.process, 3_000)
      const outcome = await outcomeOf(new Lock(name, { backend: client.backend }).forceRelease())
      started.check(checks, task.name, 'forceRelease', 3_000)
      if (client.backend.breaks > client.breaks) checks.world.fail('break', `${name} was broken twice for one call`)
      task.note(`breaks ${name}: ${'error' in outcome ? 'no answer' : outcome.value}`)
      const key = checks.scenario.keys.find((one) => one.name === name)
      if ('error' in outcome) {
        if (key !== undefined) checks.answers.failed(task, key, 'break', outcome.error, started)
        // It may be carried out later.
        world.after(2 * ON_ITS_WAY, () => {
          time.to = world.now
        })
        resolve(undefined)
      } else {
        time.to = world.now
        if (!outcome.value) checks.answers.brokeNothing(task, held)
        resolve(outcome.value)
      }
    })
  })
}
