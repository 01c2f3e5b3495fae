import { breakLock } from './break.ts'
import type { Cast } from './cast.ts'
import type { Client } from './client.ts'
import { closeDown } from './finale.ts'
import type { Troubles } from './scenario.ts'

/** Milliseconds that a trouble lasts: mostly less than a request may take, sometimes more than most leases. */
const duration = (cast: Cast): number => cast.random.next() * cast.random.oneOf([5, 50, 300, 300, 2_000, 2_000, 9_000])

/** Leases that last longer than this many milliseconds are not waited for. */
const LONGEST_REST = 60_000

type Make = (cast: Cast, client: Client) => void

const MAKE: Readonly<Record<keyof Troubles, Make>> = {
  cut: (cast, { process }) => cast.wire.cut(process, duration(cast)),
  part: (cast, { process }) => cast.wire.part(process, cast.random.oneOf(['held', 'lost']), duration(cast)),
  hang: (cast) => cast.wire.hang(duration(cast)),
  stop: (cast, { process }) => process.stop(duration(cast), false),
  sleep: (cast, { process }) => process.stop(duration(cast), true),
  step: (cast, { process }) =>
    process.stepWall((cast.random.next() * 2 - 1) * cast.random.oneOf([20, 1_000, 30_000, 3_600_000])),
  death: (cast, client) => {
    cast.die(client)
    if (cast.random.next() < 0.6) cast.begin()
  },
  close: (cast, client) => {
    client.process.deliver(() => closeDown(cast, client))
    if (cast.random.next() < 0.6) cast.begin()
  },
  freeze,
  force: (cast, client) => {
    client.process.deliver(() => void breakLock(cast, client, cast.random.oneOf(cast.checks.scenario.keys).name))
  },
}

/** Only a clock that is looked at tells a process that stood still that its lease has run out. */
function freeze(cast: Cast): void {
  const { ledger } = cast.checks
  const running = ledger.entries.filter((entry) => entry.process.running && ledger.isHeld(entry))
  const entry = running[cast.random.below(running.length)]
  if (entry === undefined) return
  const { process, manner } = entry
  const rest = ledger.rest(entry)
  if (rest > LONGEST_REST) return
  const around = Math.min(manner.ttl, LONGEST_REST) / 50 + 20
  cast.world.after(rest - around * cast.random.next(), () => {
    if (process.alive) process.stop(2 * around, false)
  })
}

/** Spreads a scenario's troubles over its time: over those parts of it in which something goes on. */
export function spread(cast: Cast, troubles: Troubles, horizon: number): void {
  const { random, world } = cast
  for (const kind of Object.keys(MAKE) as (keyof Troubles)[]) {
    const mean = troubles[kind]
    const count = Math.floor(mean + random.next())
    for (let number = 0; number < count && mean > 0; number += 1)
      world.after(random.next() * horizon, () => make(cast, kind, horizon))
  }
}

function make(cast: Cast, kind: keyof Troubles, until: number): void {
  const { living, random, world, checks } = cast
  if (world.now > until) return
  if (!checks.goingOn) {
    world.after((0.1 + random.next()) * (until / 20), () => make(cast, kind, until))
    return
  }
  const client = living[random.below(living.length)]
  if (client === undefined) return
  world.note(client.process.name, `trouble: ${kind}`)
  MAKE[kind](cast, client)
}
