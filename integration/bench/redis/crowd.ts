// W4: one lock that very many tasks of one process want.
import { bestSettings, label, type Subject } from './contender.ts'
import { medianRatio, table, verdict } from './figures.ts'
import { OURS } from './open.ts'
import { type Effort, Outcomes } from './outcomes.ts'
import { peers } from './peers.ts'

const TASKS = 1_000

export async function crowd(subjects: readonly Subject[], url: string, effort: Effort): Promise<void> {
  const { rounds, warmUp, duration } = effort
  const contention = { processes: 1, tasks: TASKS, hold: 0, away: 0, warmUp, duration }
  const outcomes = await Outcomes.of(subjects, url, contention, rounds)
  const rate = (subject: Subject): number => outcomes.median(subject, 'perSecond')
  const better = bestSettings(outcomes.subjects, rate)
  const [best] = better.filter(({ name }) => name in peers).sort((a, b) => rate(b) - rate(a))
  const ratio = (subject: Subject): number =>
    medianRatio(outcomes.all(subject, 'perSecond'), outcomes.all(best, 'perSecond'))
  const rows = outcomes.subjects
    .filter((subject) => subject.name === OURS || better.includes(subject))
    .map((subject) => [
      label(subject),
      rate(subject).toFixed(0),
      ratio(subject).toFixed(2),
      `${(outcomes.median(subject, 'toAnother') * 100).toFixed(0)} %`,
      outcomes.median(subject, 'longestWait').toFixed(0),
    ])
  console.log(
    `\nW4  ${TASKS} tasks of one process want one lock all the time, peers in the better setting; ` +
      `medians of ${rounds} rounds of ${duration} ms`,
  )
  console.log(table(['', 'sections/s', 'of best peer', 'to another', 'longest wait ms'], rows))
  outcomes.reportBreaches()
  const ours = outcomes.subjects.find(({ name, setting }) => name === OURS && setting.fair === undefined)
  if (ours !== undefined && best !== undefined)
    console.log(verdict({ what: `of ${label(best)}`, value: ratio(ours), atLeast: 20 }))
}
