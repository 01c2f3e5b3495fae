// W3: one lock that tasks of two processes want.
import { bestSettings, label, type Subject } from './contender.ts'
import { median, medianRatio, table, verdict } from './figures.ts'
import { OURS, QUEUE } from './open.ts'
import { type Effort, Outcomes, requestsPerSection } from './outcomes.ts'
import { peers } from './peers.ts'

const HEAD = [
  '',
  'sections/s',
  'of queue',
  'hand-off p50',
  'p99 ms',
  'to another',
  'longest wait',
  'most/fewest',
  'requests',
  'CPU ms',
]

function judge(subject: Subject, outcomes: Outcomes, queue: Subject | undefined, requests: number): void {
  const local = subject.setting.fair === undefined
  const sections = medianRatio(outcomes.all(subject, 'perSecond'), outcomes.all(queue, 'perSecond'))
  const fewest = outcomes.all(subject, 'fewest')
  const spread = median(outcomes.all(subject, 'most').map((most, round) => most / (fewest[round] ?? 0)))
  console.log(`  ${label(subject)}`)
  for (const target of [
    { what: 'sections, of the BLPOP queue', value: sections, atLeast: local ? 1.1 : 1 },
    { what: 'hand-off p50', value: outcomes.median(subject, 'handOffP50'), atMost: 0.25, unit: ' ms' },
    { what: 'hand-off p99', value: outcomes.median(subject, 'handOffP99'), atMost: 1.5, unit: ' ms' },
    { what: 'longest wait', value: outcomes.median(subject, 'longestWait'), atMost: 50, unit: ' ms' },
    { what: 'most/fewest turns', value: spread, atMost: 1.1 },
    { what: 'requests a section', value: requests, atMost: 2.1 },
    { what: 'client CPU a section', value: outcomes.median(subject, 'cpu'), atMost: 0.5, unit: ' ms' },
  ])
    console.log(`  ${verdict(target)}`)
}

export async function handOffs(subjects: readonly Subject[], url: string, effort: Effort): Promise<void> {
  const { rounds, warmUp, duration } = effort
  const contention = { processes: 2, tasks: 8, hold: 1, away: 10, warmUp, duration }
  const outcomes = await Outcomes.of(subjects, url, contention, rounds)
  const requests = new Map<Subject, number>()
  for (const subject of outcomes.subjects)
    requests.set(subject, await requestsPerSection(subject, url, { ...contention, duration: duration / 2 }))

  const queue = outcomes.subjects.find(({ name }) => name === QUEUE)
  const better = bestSettings(outcomes.subjects, (subject) => outcomes.median(subject, 'perSecond'))
  const rows = outcomes.subjects.map((subject) => {
    const all = (figure: 'perSecond' | 'longestWait'): number[] => outcomes.all(subject, figure)
    const shown = (figure: 'perSecond' | 'handOffP50' | 'handOffP99' | 'longestWait' | 'cpu', digits: number): string =>
      outcomes.median(subject, figure).toFixed(digits)
    return [
      `${subject.name in peers && better.includes(subject) ? '* ' : '  '}${label(subject)}`,
      shown('perSecond', 0),
      medianRatio(all('perSecond'), outcomes.all(queue, 'perSecond')).toFixed(2),
      shown('handOffP50', 2),
      shown('handOffP99', 2),
      `${(outcomes.median(subject, 'toAnother') * 100).toFixed(0)} %`,
      `${shown('longestWait', 0)} (${Math.max(...all('longestWait')).toFixed(0)})`,
      `${outcomes.median(subject, 'most')}/${outcomes.median(subject, 'fewest')}`,
      requests.get(subject)?.toFixed(2) ?? '',
      shown('cpu', 2),
    ]
  })
  console.log(
    '\nW3  2 processes of 8 tasks want one lock, hold it for 1 ms and then stay away for 10 ms; ' +
      `medians of ${rounds} rounds of ${duration} ms`,
  )
  console.log(table(HEAD, rows))
  console.log('    *: the better setting of a peer. Hand-off: to another waiter. Longest wait: (of all rounds).')
  console.log('    Requests and CPU: of the clients, per section.')
  outcomes.reportBreaches()
  for (const subject of outcomes.subjects)
    if (subject.name === OURS && subject.setting.fair !== false)
      judge(subject, outcomes, queue, requests.get(subject) ?? Number.NaN)
}
