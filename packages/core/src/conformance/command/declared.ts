import type { Capabilities } from '../../index.ts'
import { listed } from './text.ts'

/** What a backend declares, as a title and what there is to say about it. */
export type Fact = readonly [title: string, text: string]

const EVENTS: Readonly<Record<string, string>> = {
  restart: 'a restart',
  failover: 'a failover',
  dataLoss: 'data loss',
  clockStep: 'a clock step',
}

/** Capabilities and guarantee in words, for a summary and for a table. */
export function declared({ modes, queue, wakeup, ttl, list, guarantee }: Capabilities): readonly Fact[] {
  const scopes = {
    process: 'the tasks of one process',
    host: 'the processes of one host',
    network: 'any process that reaches the server',
  }
  const expiries = { 'shared clock': 'by a clock that all share', observation: 'by watching the record stay unchanged' }
  const late = { refused: 'have no effect', 'run out': 'may take the lock for their ttl' }
  const longest = ttl.infinite ? `${span(ttl.max)}, or without end` : span(ttl.max)
  return [
    ['modes', listed(modes)],
    [
      'waiting',
      `${queue === 'fifo' ? 'in arrival order' : 'whoever looks first'}, ${wakeup === 'push' ? 'woken' : 'by polling'}`,
    ],
    ['ttl', `${span(ttl.min)} to ${longest}`],
    ['names', list ? 'can be listed' : "can't be listed"],
    ['contenders', scopes[guarantee.scope]],
    ['expiry', `${expiries[guarantee.expiry]}, with a grain of ${span(ttl.granularity)}`],
    ['dead holder', `replaced ${guarantee.deadHolder}`],
    ['late requests', late[guarantee.lateRequests]],
    ['exclusion', across(guarantee.exclusionAcross)],
    ['fencing', across(guarantee.fencingAcross)],
  ]
}

/** `kept across a restart; not across data loss`. What can't happen is not mentioned. */
function across(events: Readonly<Record<string, boolean | 'clock' | 'n/a'>>): string {
  const those = (answer: boolean | 'clock'): string =>
    listed(Object.keys(events).flatMap((event) => (events[event] === answer ? [EVENTS[event] ?? event] : [])))
  const [kept, byClock, lost] = [those(true), those('clock'), those(false)]
  const parts = [
    ...(kept === '' ? [] : [`kept across ${kept}`]),
    ...(byClock === '' ? [] : [`across ${byClock} as far as a wall clock carries it`]),
    ...(lost === '' ? [] : [`not kept across ${lost}`]),
  ]
  return parts.length === 0 ? 'nothing can happen to it' : parts.join('; ')
}

/** A time span that somebody chose: `500 ms`, `30 s`, `365 days`. */
export function span(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  const [unit, name] = units.find(([size]) => ms >= 2 * size || ms === size) ?? [1, 'ms']
  return `${Math.round((100 * ms) / unit) / 100} ${name}`
}
